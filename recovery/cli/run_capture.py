"""One capture from the command line: the server opened and closed, what came of it printed."""

import typer

from recovery.capture.capture_point import capture
from recovery.capture.copy_datastore import needed
from recovery.capture.options import CaptureOptions
from recovery.cli.show_points import capture_json, capture_lines
from recovery.cli.terminal import echo
from recovery.datastore.repository import check_repository
from recovery.errors import EXIT_FINDINGS, BadInputError
from recovery.target import open_target
from recovery.vault.store import open_vault


def run_capture(source: str, vault: str, options: CaptureOptions, *, as_json: bool) -> None:
    """Captures, prints the result, and exits with 1 when it has gaps.

    Progress goes to stderr. Raises :class:`recovery.errors.RecoveryError` when there is no point.
    """
    if "datastore" in options.strategy:
        needed(options.repository)
    if options.repository:
        check_repository(options.repository)
    if options.backup_now and "backup" not in options.strategy:
        raise BadInputError(
            "a fresh backup is kept by the strategy backup alone",
            target="--backup-now",
            hint=f"--strategy {','.join([*options.strategy, 'backup'])}",
        )
    target = open_target(source)
    try:
        manifest = capture(target, open_vault(vault), options, lambda line: echo(line, err=True))
    finally:
        target.close()
    for line in [capture_json(manifest)] if as_json else capture_lines(manifest):
        echo(line)
    raise typer.Exit(EXIT_FINDINGS if manifest.gaps else 0)
