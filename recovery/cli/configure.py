"""``recovery configure``: the server's own settings that a recovery depends on."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recovery.cli.options import AsJson, BinaryThere, ConfigThere, Source
from recovery.cli.terminal import echo
from recovery.errors import BadInputError
from recovery.velociraptor.paths import BINARY_PATH, CONFIG_PATH

if TYPE_CHECKING:
    from recovery.capture.configure_server import Edit


def configure(
    source: Source,
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
    config: ConfigThere = CONFIG_PATH,
    binary: BinaryThere = BINARY_PATH,
    as_json: AsJson = False,
    forward: Annotated[
        str, typer.Option(help="send results on: elastic, splunk; off takes it away")
    ] = "",
    forward_url: Annotated[
        str, typer.Option(help="the receiver's address; an Elastic cluster's, by commas")
    ] = "",
    credentials: Annotated[
        Path | None, typer.Option(help="file (0600) of YAML: username and password, api_key, token")
    ] = None,
    credentials_in: Annotated[
        str, typer.Option(help="secret, or parameters: in clear in the monitoring table")
    ] = "secret",
    forward_artifacts: Annotated[
        str, typer.Option(help="regular expression: the artifacts whose results go on")
    ] = ".",
    forward_org: Annotated[
        list[str] | None, typer.Option(help="only this org; repeatable; default: all")
    ] = None,
    forward_test: Annotated[
        bool, typer.Option("--forward-test", help="send a test event the way that is set now")
    ] = False,
) -> None:
    """Changes the server's config, and shows the diff first. Comments and order stay.

    With --forward results go straight on to Elastic or Splunk, by the server's own artifacts
    (Elastic.Flows.Upload, Splunk.Flows.Upload), their credentials in a secret of the server. A
    test event shows that they arrive; exit code 1 when it doesn't. Nothing is restarted.
    Without a file, credentials come from RECOVERY_FORWARD_USERNAME, _PASSWORD, _API_KEY, _TOKEN.

    Without a setting it says what they are now. The file is replaced as a whole, with its
    owner and mode, after the server's own binary has read it.

    Examples:

      recovery configure --from ssh://root@velociraptor.example

      recovery configure --from ssh://root@velociraptor.example --backup-period 6h \\
        --client-info-write-time 15s --restart

      recovery configure --from ssh://root@velociraptor.example --forward elastic \\
        --forward-url https://elastic.example:9200 --credentials /root/elastic.yaml
    """
    import json

    from recovery.capture import configure_server as server
    from recovery.target import open_target
    from recovery.velociraptor.config import ServerConfig

    if forward or forward_test:
        others = {
            "--backup-period": bool(backup_period),
            "--client-info-write-time": bool(client_info_write_time),
            "--dry-run": dry_run,
            "--restart": restart,
            "--forward-test": bool(forward and forward_test),
        }
        if given := [name for name, is_given in others.items() if is_given]:
            raise BadInputError(
                f"forwarding is set by itself, without {', '.join(given)}",
                target="--forward" if forward else "--forward-test",
                hint="it counts at once, needs no restart, and has no diff to show",
            )
        _forward(
            source, config, forward, forward_url, credentials, credentials_in,
            forward_artifacts, forward_org or [], as_json=as_json,
        )  # fmt: skip
        return
    edits = _setting_edits(backup_period, client_info_write_time)
    target = open_target(source)
    try:
        plan = server.plan_change(target, config, edits)
        changed = bool(plan.diff) and not dry_run
        # Also without a change: what was written before counts from a restart on.
        restarts = restart and not dry_run
        if not as_json:
            echo("\n".join(plan.diff or ["nothing to change"]))
        if changed or restarts:
            _agree(target.uri, changed=changed, restart=restarts, yes=yes, quiet=as_json)
        if changed:
            server.carry_out(target, plan, binary)
        waited = server.restart(target, config) if restarts else None
    finally:
        target.close()
    now = server.current(ServerConfig.parse(plan.after if changed else plan.before))
    if as_json:
        found = {"changed": changed, "diff": plan.diff, "settings": now, "restarted": waited}
        echo(json.dumps(found, indent=1))
        return
    for name, value in now.items():
        echo(f"{name} is {f'{value} s' if value > 0 else 'off'}")
    if waited is not None:
        echo(f"the server was restarted, and answered after {waited:.1f} s")
    elif changed:
        echo("next: restart the server when it suits you: the new values count from then on")


def _forward(
    source: str,
    config: str,
    kind: str,
    url: str,
    credentials: Path | None,
    where: str,
    artifacts: str,
    orgs: list[str],
    *,
    as_json: bool,
) -> None:
    """The forwarding's half; ends the command with its exit code."""
    import json
    from dataclasses import asdict

    from recovery.cli.forward_results import OFF, forward, read_receiver, show_arrivals
    from recovery.target import open_target

    if where not in ("secret", "parameters"):
        raise BadInputError(f"not a place: {where!r}", target="--credentials-in")
    receiver = read_receiver(kind, url, credentials) if kind and kind != OFF else None
    target = open_target(source)
    try:
        arrivals = forward(
            target, config, kind, receiver, artifacts=artifacts, orgs=orgs, where=where
        )
    finally:
        target.close()
    code = show_arrivals(arrivals)
    if as_json:
        echo(json.dumps({"arrivals": [asdict(one) for one in arrivals]}, indent=1))
    raise typer.Exit(code)


def _setting_edits(backup_period: str, write_time: str) -> "list[Edit]":
    """The edits of the plain settings; each is checked before anything is contacted."""
    from recovery.capture.configure_server import OFF, setting_edit
    from recovery.cli.lengths import parse_age

    def seconds(text: str, option: str) -> int:
        return int(parse_age(text, option).total_seconds())

    edits = []
    if backup_period:
        period = OFF if backup_period == "off" else seconds(backup_period, "--backup-period")
        edits.append(setting_edit("backup_period_seconds", period))
    if write_time:
        edits.append(
            setting_edit("client_info_write_time", seconds(write_time, "--client-info-write-time"))
        )
    return edits


def _agree(uri: str, *, changed: bool, restart: bool, yes: bool, quiet: bool) -> None:
    """Asks, once the diff was shown; with ``quiet`` (``--json``) nobody can be asked."""
    if quiet and not yes:
        raise BadInputError("nobody can be asked", target="--json", hint="add --yes")
    if yes:
        return
    if changed:
        question = "Write this and restart the server" if restart else "Write this"
    else:
        question = "Restart the server"
    typer.confirm(f"{question}: {uri}?", abort=True)
