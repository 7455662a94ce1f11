"""``recovery standby schedule``: the spare is kept current by a service of this machine."""

from pathlib import Path
from typing import Annotated, Any

import typer

from recovery.cli.options import AsJson, CheckEvery, PromoteAfter, SyncEvery, VaultUri
from recovery.cli.schedule import On, absolute, refuse_private_tmp, written_folders
from recovery.cli.terminal import echo
from recovery.counts import things

schedule = typer.Typer(help="Syncs without anyone remembering them.", no_args_is_help=True)


@schedule.command()
def install(
    vault: VaultUri,
    every: SyncEvery = "30s",
    check_every: CheckEvery = "6h",
    promote_after: PromoteAfter = "",
    no_switch: Annotated[
        bool, typer.Option("--no-switch", help="with --promote-after: leave DNS alone")
    ] = False,
    prometheus: Annotated[
        Path | None, typer.Option(help="write lag and state there, for the node exporter")
    ] = None,
    keys: Annotated[
        Path | None, typer.Option(help="folder of the vault's keys", envvar="RECOVERY_KEYS")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="print the unit only")] = False,
    on: On = "local://",
) -> None:
    """Installs a hardened systemd service that syncs the spare from now on, and at every boot.

    By default the copy is never older than 30 s and the length of a sync. Best on a third
    machine, which reaches both; credentials of S3 go into
    /etc/velociraptor-recovery/environment (0600).

    Examples:

      recovery standby schedule install --vault /vault --prometheus /var/lib/node/standby.prom

      recovery standby schedule install --vault /vault --promote-after 3m
    """
    import sys

    from recovery.capture.schedule_units import program
    from recovery.cli.lengths import parse_age
    from recovery.errors import BadInputError
    from recovery.standby.guard import check_rhythm
    from recovery.standby.pair import read_pair
    from recovery.standby.reach import is_here, read_mark
    from recovery.standby.watch_unit import WatchUnit, service
    from recovery.standby.watch_unit import install as put_in_place
    from recovery.vault.store import open_vault

    command = [program(sys.executable), "standby", "watch", "--vault", absolute(vault)]
    for name, value in (("--every", every), ("--check-every", check_every)):
        parse_age(value, name)
        command += [name, value]
    pair = read_pair(open_vault(vault))
    check_rhythm(pair.guard_seconds, parse_age(every).total_seconds())
    mark = _there(on, read_mark)
    if promote_after:
        parse_age(promote_after, "--promote-after")
        if not pair.switch and not no_switch:
            raise BadInputError(
                "this pair was made without a switch: unattended, clients would stay behind",
                target="--promote-after",
                hint="`recovery standby init --switch` again, or --no-switch",
            )
        command += ["--promote-after", promote_after]
    command += ["--no-switch"] if no_switch else []
    command += ["--prometheus", str(prometheus.absolute())] if prometheus else []
    made = WatchUnit(
        command=tuple(command),
        vault=vault,
        writes=written_folders(vault, prometheus),
        keys=str(keys.expanduser().absolute()) if keys else "",
        local=any(is_here(machine, mark) for machine in pair.machines),
    )
    refuse_private_tmp(made.writes)
    if dry_run:
        echo(service(made))
        return
    _there(on, lambda target: put_in_place(target, made))
    echo("recovery-standby.service runs; `journalctl -fu recovery-standby` follows it")


@schedule.command()
def show(on: On = "local://", as_json: AsJson = False) -> None:
    """Says whether the service runs, since when, and how often it had to be restarted.

    Ends with 1 when it doesn't run. How old the copy is: `recovery standby status`.

    Example:

      recovery standby schedule show
    """
    import json

    from recovery.errors import EXIT_FINDINGS
    from recovery.standby.watch_unit import state

    told = _there(on, state)
    runs = told.get("active") == "active"
    if as_json:
        echo(json.dumps(told, indent=1))
    elif runs:
        echo(f"runs since {told['since']}, {things(told['restarts'], 'restart')}")
    else:
        echo(f"{told.get('active')}: `recovery standby schedule install`")
    raise typer.Exit(0 if runs else EXIT_FINDINGS)


@schedule.command()
def remove(on: On = "local://") -> None:
    """Stops the service and takes it away; spare, pair and lease stay as they are.

    Example:

      recovery standby schedule remove
    """
    from recovery.standby.watch_unit import remove as take_away

    echo("removed" if _there(on, take_away) else "there was none")


def _there(uri: str, act: Any) -> Any:
    from recovery.target import open_target

    target = open_target(uri)
    try:
        return act(target)
    finally:
        target.close()
