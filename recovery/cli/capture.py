"""``recovery capture``: a recovery point from a running server."""

from typing import Annotated

import typer

from recovery.cli.options import AsJson, BinaryThere, ConfigThere, Source, VaultUri
from recovery.velociraptor.paths import BINARY_PATH, CONFIG_PATH


def capture(
    source: Source,
    vault: VaultUri,
    strategy: Annotated[
        str, typer.Option(help="any of redeploy, backup, state, collections, datastore; by commas")
    ] = "backup,state,collections",
    hunts: Annotated[str, typer.Option(help="all, none, or hunt ids by commas")] = "all",
    flows_since: Annotated[
        str, typer.Option(help="export flows active within this time (7d, 36h); default: all")
    ] = "",
    backup_now: Annotated[
        bool, typer.Option("--backup-now", help="keep a fresh backup of every org as well")
    ] = False,
    repository: Annotated[
        str,
        typer.Option(
            help="for the strategy datastore; see `recovery datastore backup --help`",
            envvar="RECOVERY_REPOSITORY",
        ),
    ] = "",
    package: Annotated[
        str, typer.Option(help="the server package's file; default: found, kept or rebuilt")
    ] = "",
    config: ConfigThere = CONFIG_PATH,
    binary: BinaryThere = BINARY_PATH,
    as_json: AsJson = False,
) -> None:
    """Captures a recovery point from a running server, which is neither restarted nor paused.

    Ends with 1 when something could not be captured; each such gap is named, in the
    recovery point too.

    Examples:

      recovery capture --from ssh://root@velociraptor.example --vault /vault

      recovery capture --from docker://velociraptor --vault /vault --flows-since 7d --backup-now
    """
    from recovery.capture.options import CaptureOptions, parse_hunts, parse_strategy
    from recovery.cli.lengths import parse_age
    from recovery.cli.run_capture import run_capture

    options = CaptureOptions(
        strategy=parse_strategy(strategy),
        hunts=parse_hunts(hunts),
        flows_since=parse_age(flows_since, "--flows-since") if flows_since else None,
        backup_now=backup_now,
        repository=repository,
        package=package,
        config_path=config,
        binary_path=binary,
    )
    run_capture(source, vault, options, as_json=as_json)
