"""``recovery schedule``: captures without anyone remembering them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recovery.cli.options import AsJson, Source, VaultUri
from recovery.cli.terminal import echo

if TYPE_CHECKING:
    from recovery.capture.schedule_units import Schedule

schedule = typer.Typer(
    help="Regular captures by a systemd timer on this machine.", no_args_is_help=True
)
On = Annotated[str, typer.Option(help="the machine on which it runs: local://, ssh://, docker://")]


@schedule.command()
def install(
    source: Source,
    vault: VaultUri,
    every: Annotated[str, typer.Option(help="15m, 1h, 6h, 1d, 7d …")] = "6h",
    on_calendar: Annotated[
        str, typer.Option(help="systemd's own words instead: Mon..Fri 07:00")
    ] = "",
    jitter: Annotated[str, typer.Option(help="each run starts up to so much later")] = "10m",
    keys: Annotated[
        Path | None, typer.Option(help="folder of the vault's keys", envvar="RECOVERY_KEYS")
    ] = None,
    strategy: Annotated[str, typer.Option(help="as of `recovery capture`")] = (
        "backup,state,collections"
    ),
    flows_since: Annotated[str, typer.Option(help="as of `recovery capture`")] = "",
    prune: Annotated[
        bool, typer.Option("--prune", help="thin old points out after each capture")
    ] = False,
    prometheus: Annotated[
        Path | None, typer.Option(help="write readiness there after each capture")
    ] = None,
    rpo: Annotated[str, typer.Option(help="for --prometheus: how old a point may be")] = "24h",
    on: On = "local://",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="print the units only")] = False,
) -> None:
    """Writes a systemd timer and a hardened service that capture regularly, and starts it.

    Runs that were missed are caught up. Credentials of S3 and RECOVERY_PASSPHRASE_FILE go
    into /etc/velociraptor-recovery/environment (0600), never into the unit.

    Examples:

      recovery schedule install --from ssh://root@velociraptor.example --vault /vault --every 6h

      recovery schedule install --from local:// --vault s3://BUCKET/velo --every 1d --dry-run
    """
    import sys

    from recovery.capture.install_schedule import install as put_in_place
    from recovery.capture.options import parse_strategy
    from recovery.capture.schedule_units import Schedule, calendar, program, service, timer
    from recovery.cli.lengths import parse_age
    from recovery.target import open_target

    parse_age(rpo, "--rpo")
    parse_strategy(strategy)
    recovery = program(sys.executable)
    there = ["--vault", absolute(vault)]
    capture = [recovery, "capture", "--from", source, *there, "--strategy", strategy]
    if flows_since:
        parse_age(flows_since, "--flows-since")
        capture += ["--flows-since", flows_since]
    commands = [capture]
    if prune:
        commands.append([recovery, "vault", "prune", *there])
    if prometheus:
        # Its exit code says how ready the server is; here that is no failure of the run.
        status = [f"-{recovery}", "status", "--from", source, *there, "--rpo", rpo]
        commands.append([*status, "--prometheus", str(prometheus.absolute())])
    made = Schedule(
        commands=tuple(tuple(command) for command in commands),
        calendar=on_calendar or calendar(parse_age(every, "--every")),
        jitter=parse_age(jitter, "--jitter"),
        source=source,
        writes=written_folders(vault, prometheus),
        keys=str(keys.expanduser().absolute()) if keys else "",
    )
    _check(made, source, vault)
    if dry_run:
        echo(f"# recovery-capture.service\n{service(made)}\n# recovery-capture.timer")
        echo(timer(made))
        return
    target = open_target(on)
    try:
        following = put_in_place(target, made)
    finally:
        target.close()
    echo(f"recovery-capture.timer runs; next: {following or 'not known'}")
    echo("try it now: `systemctl start recovery-capture.service`, `journalctl -u` the same")


@schedule.command()
def show(on: On = "local://", as_json: AsJson = False) -> None:
    """Says when the next capture runs, and how the last one ended.

    Ends with 1 when no timer is installed, or the last run failed.

    Example:

      recovery schedule show
    """
    import json

    from recovery.capture.install_schedule import last_run, next_run
    from recovery.errors import EXIT_FINDINGS
    from recovery.target import open_target

    target = open_target(on)
    try:
        following, last = next_run(target), last_run(target)
    finally:
        target.close()
    if as_json:
        echo(json.dumps({"next": following, "last": last}, indent=1))
    else:
        echo(f"next  {following or 'no timer: `recovery schedule install`'}")
        ended = last.get("ended")
        echo(f"last  {ended}, {last.get('result')}" if ended else "last  never")
    raise typer.Exit(0 if following and last.get("result") == "success" else EXIT_FINDINGS)


@schedule.command()
def remove(on: On = "local://") -> None:
    """Takes the timer and its service away; the vault stays as it is.

    Example:

      recovery schedule remove
    """
    from recovery.capture.install_schedule import remove as take_away
    from recovery.target import open_target

    target = open_target(on)
    try:
        echo("removed" if take_away(target) else "there was none")
    finally:
        target.close()


def absolute(vault: str) -> str:
    """A folder's path as the service sees it, whose working folder is another."""
    return vault if "://" in vault else str(Path(vault).expanduser().absolute())


def written_folders(vault: str, prometheus: Path | None) -> tuple[str, ...]:
    """The folders that a service of both writes."""
    folder = absolute(vault).removeprefix("file://")
    found = [] if "://" in folder else [folder]
    return (*found, *([str(prometheus.absolute().parent)] if prometheus else []))


def refuse_private_tmp(folders: tuple[str, ...]) -> None:
    """:class:`BadInputError` for a folder that a service with a /tmp of its own can't see."""
    from recovery.errors import BadInputError

    for folder in folders:
        if Path(folder).is_relative_to("/tmp") or Path(folder).is_relative_to("/var/tmp"):  # noqa: S108
            raise BadInputError(
                "the service has a /tmp of its own, and would not see this folder",
                target=folder,
                hint="name a folder elsewhere, such as /srv/vault",
            )


def _check(made: "Schedule", source: str, vault: str) -> None:
    """Refuses what the service couldn't use, and warns of a key that shouldn't be here."""
    from recovery.target import open_target
    from recovery.vault.keys import load_keys
    from recovery.vault.open import open_shelf

    open_target(source).close()
    open_shelf(vault)
    refuse_private_tmp(made.writes)
    if made.keys and load_keys(Path(made.keys)).identities:
        echo(
            "warning: identity.txt is among these keys: it opens every recovery point, and a "
            "capturing machine doesn't need it; keep it elsewhere",
            err=True,
        )
