"""``recovery hunts release``: let the hunts run again that a recovery brought back paused."""

from typing import Annotated

import typer

from recovery.cli.options import AsJson, VaultUri
from recovery.cli.terminal import echo

app = typer.Typer(help="Hunts that a recovery brought back paused.", no_args_is_help=True)


@app.callback()
def hunts() -> None:
    """Hunts that a recovery brought back paused."""


@app.command()
def release(
    target: Annotated[str, typer.Option(help="docker://NAME, ssh://HOST, local://")],
    vault: VaultUri,
    point: Annotated[
        str,
        typer.Option(help="the point recovered from; default: by the machine's journal"),
    ] = "",
    hunt: Annotated[list[str] | None, typer.Option(help="only this hunt; repeatable")] = None,
    as_json: AsJson = False,
) -> None:
    """Starts the hunts that were running when the recovery point was captured.

    A hunt whose parameters are lost (a backup has none) stays paused and is named: it would run
    with its artifacts' defaults. --hunt starts it all the same. Ends with 1 then. A recovery that
    is at work there is waited for; where its import was cut off, nothing is started.

    Example:

      recovery hunts release --target ssh://root@192.0.2.7 --vault /vault
    """
    import json

    from recovery.restore.context import Context
    from recovery.restore.release_hunts import release_alone
    from recovery.restore.request import parse_request
    from recovery.verify.point_config import refuse_another_deployment

    point = point or _recovered_from(target)
    request = parse_request(target=target, vault=vault, point=point)
    with Context(request, lambda line: echo(line, err=True)) as context:
        refuse_another_deployment(context.target, context.manifest)
        report = release_alone(context, frozenset(hunt or ()))
    if as_json:
        echo(json.dumps({"released": report.detail, "findings": report.findings}, indent=1))
    else:
        echo(report.detail)
        for finding in report.findings:
            echo(f"finding: {finding}")
    raise typer.Exit(1 if report.findings else 0)


def _recovered_from(uri: str) -> str:
    """The newest point may be a capture of the recovered server, in which no hunt runs."""
    from recovery.restore.journal import recovered_point
    from recovery.restore.promise import PLACED
    from recovery.target import open_target

    target = open_target(uri)
    try:
        return recovered_point(target, PLACED)
    finally:
        target.close()
