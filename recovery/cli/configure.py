"""``recovery configure``: the server's own settings that a recovery depends on."""

from typing import TYPE_CHECKING, Annotated

import typer

from recovery.errors import BadInputError

if TYPE_CHECKING:
    from recovery.capture.configure_server import Edit


def configure(
    source: Annotated[
        str, typer.Option("--from", help="docker://NAME, ssh://HOST or local://: the server")
    ],
    backup_period: Annotated[
        str, typer.Option(help="how often the server backs itself up (24h, 6h), or off")
    ] = "",
    client_info_write_time: Annotated[
        str, typer.Option(help="how often it writes its client list (15s; 12s at least)")
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="show the diff, change nothing")] = (
        False
    ),
    yes: Annotated[bool, typer.Option("--yes", help="don't ask after the diff")] = False,
    restart: Annotated[
        bool, typer.Option("--restart", help="restart the server, so that it counts at once")
    ] = False,
    config: Annotated[
        str, typer.Option(help="the server's config, there")
    ] = "/etc/velociraptor/server.config.yaml",
    binary: Annotated[
        str, typer.Option(help="the server's binary, there")
    ] = "/usr/local/bin/velociraptor",
    as_json: Annotated[bool, typer.Option("--json", help="the result as JSON")] = False,
) -> None:
    """Changes the server's config, and shows the diff first. Comments and order stay.

    Without a setting it says what they are now. The file is replaced as a whole, with its
    owner and mode, after the server's own binary has read it.

    Examples:

      recovery configure --from ssh://root@velociraptor.example

      recovery configure --from ssh://root@velociraptor.example --backup-period 6h \\
        --client-info-write-time 15s --restart
    """
    import json

    from recovery.capture import configure_server as server
    from recovery.target import open_target
    from recovery.velociraptor.config import ServerConfig

    edits = _setting_edits(backup_period, client_info_write_time)
    target = open_target(source)
    try:
        plan = server.plan_change(target, config, edits)
        changed = bool(plan.diff) and not dry_run
        if changed:
            _agree(plan.diff, target.uri, yes=yes, quiet=as_json)
            server.carry_out(target, plan, binary)
        elif not as_json:
            typer.echo("\n".join(plan.diff or ["nothing to change"]))
        waited = server.restart(target, config) if changed and restart else None
    finally:
        target.close()
    now = server.current(ServerConfig.parse(plan.after if changed else plan.before))
    if as_json:
        found = {"changed": changed, "diff": plan.diff, "settings": now, "restarted": waited}
        typer.echo(json.dumps(found, indent=1))
        return
    for name, value in now.items():
        typer.echo(f"{name} is {f'{value} s' if value > 0 else 'off'}")
    if waited is not None:
        typer.echo(f"the server was restarted, and answered after {waited:.1f} s")
    elif changed:
        typer.echo("next: restart the server when it suits you: the new values count from then on")


def _setting_edits(backup_period: str, write_time: str) -> "list[Edit]":
    """The edits of the plain settings; each is checked before anything is contacted."""
    from recovery.capture.configure_server import OFF, setting_edit
    from recovery.cli.lengths import parse_age

    def seconds(text: str) -> int:
        return int(parse_age(text).total_seconds())

    edits = []
    if backup_period:
        period = OFF if backup_period == "off" else seconds(backup_period)
        edits.append(setting_edit("backup_period_seconds", period))
    if write_time:
        edits.append(setting_edit("client_info_write_time", seconds(write_time)))
    return edits


def _agree(diff: "list[str]", uri: str, *, yes: bool, quiet: bool) -> None:
    """Shows the diff and asks; with ``quiet`` (``--json``) nobody can be asked."""
    if quiet and not yes:
        raise BadInputError("nobody can be asked", target="--json", hint="add --yes")
    if not quiet:
        typer.echo("\n".join(diff))
    if not yes:
        typer.confirm(f"Write this to {uri}?", abort=True)
