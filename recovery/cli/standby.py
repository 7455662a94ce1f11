"""``recovery standby``: a second server that follows the first, and takes over from it."""

from pathlib import Path
from typing import Annotated, Any

import typer

from recovery.cli.options import AsJson, VaultUri
from recovery.cli.show_standby import tell_lag, tell_status
from recovery.cli.standby_schedule import schedule
from recovery.cli.take_over import SwitchUri, failback, promote, watch
from recovery.cli.terminal import echo
from recovery.counts import things
from recovery.errors import EXIT_FAILED, EXIT_FINDINGS

app = typer.Typer(help="A hot spare: make it, keep it current, promote it.", no_args_is_help=True)
app.add_typer(schedule, name="schedule")


def _say(line: str) -> None:
    echo(line, err=True)


@app.command()
def init(
    active: Annotated[
        str, typer.Option(help="the server that runs: ssh://HOST, docker://NAME, or local://")
    ],
    spare: Annotated[str, typer.Option(help="the machine that is to be its spare")],
    vault: VaultUri,
    active_address: Annotated[
        str, typer.Option(help="where the spare and the clients reach it; default: of its URI")
    ] = "",
    spare_address: Annotated[str, typer.Option(help="the same of the spare")] = "",
    guard: Annotated[
        str, typer.Option(help="let the server stop itself after so long without a sync (3m)")
    ] = "",
    switch: SwitchUri = "",
    claim: Annotated[
        bool,
        typer.Option("--claim", help="the lease's holder is gone for good: this one serves now"),
    ] = False,
) -> None:
    """Makes a machine the hot spare of a running server.

    The package is installed there with its service held (or `pulumi up` did it: standby: true).
    Each machine gets a key that may read the other's datastore by rsync, and nothing else. The
    pair and the lease (who serves) are written into the vault, and what `promote` is to switch.
    The machine on which this runs may be one of the two (local://): elsewhere it is then known by
    its address, and reached by SSH.

    Example:

      recovery standby init --active ssh://root@192.0.2.7 --spare ssh://root@192.0.2.8 \\
        --vault /vault --switch 'dns://192.0.2.53/velociraptor.example?key=/root/tsig'
    """
    from recovery.standby.init_pair import init_pair
    from recovery.switch.open import open_switch
    from recovery.vault.store import open_vault

    if switch:
        open_switch(switch)  # a mistake in it is found now, not at 3 a.m.
    init_pair(
        open_vault(vault),
        active,
        spare,
        _say,
        active_address=active_address,
        spare_address=spare_address,
        switch=switch,
        guard_seconds=_guard(guard),
        claim=claim,
    )
    echo("next: `recovery standby sync`, then for good: `recovery standby schedule install`")


@app.command()
def sync(
    vault: VaultUri,
    every: Annotated[
        str, typer.Option(help="go on for ever, a sync each so long (30s); default: one")
    ] = "",
    allow_shrinking: Annotated[
        bool, typer.Option("--allow-shrinking", help="even if most of the files are gone there")
    ] = False,
    prometheus: Annotated[
        Path | None, typer.Option(help="write a text file for the node exporter")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Brings the spare up to date: the client list from memory, then all files by rsync.

    What the server had acknowledged when it began is on the spare when it ends. A server that
    runs without holding the lease is stopped. Ends with 1 when something falls short.

    Examples:

      recovery standby sync --vault /vault

      recovery standby sync --vault /vault --every 30s --prometheus /var/lib/node/standby.prom
    """
    import json
    from dataclasses import asdict

    from recovery.cli.lengths import parse_age
    from recovery.standby.pair import name_of, read_pair
    from recovery.standby.status import look, write_prometheus
    from recovery.standby.sync import sync as sync_pair
    from recovery.standby.watch import Rhythm, watch
    from recovery.vault.store import open_vault

    held = open_vault(vault)
    pair = read_pair(held)
    if every:
        seconds = parse_age(every, "--every").total_seconds()

        def looked(status: Any) -> None:
            tell_lag(status)
            if prometheus:
                write_prometheus(status, prometheus)

        watch(held, pair, None, Rhythm(sync=seconds, look=min(5.0, seconds)), _say, looked=looked)
        return
    done = sync_pair(held, pair, _say, allow_shrinking=allow_shrinking)
    if prometheus:
        write_prometheus(look(held, pair), prometheus)
    if as_json:
        echo(json.dumps(asdict(done), indent=1))
    else:
        echo(
            f"{name_of(done.spare)} has everything that {name_of(done.source)} had "
            f"{done.seconds:.1f} s ago: {things(done.pulled.files, 'file')}, "
            f"{things(done.clients, 'client')}"
        )
        for finding in done.findings:
            echo(f"finding: {finding}")
    raise typer.Exit(EXIT_FINDINGS if done.findings else 0)


@app.command()
def status(
    vault: VaultUri,
    rpo: Annotated[str, typer.Option(help="how old the copy may be")] = "60s",
    prometheus: Annotated[
        Path | None, typer.Option(help="write a text file for the node exporter")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Who serves, how old the spare's copy is, and whether that copy was seen to work.

    Ends with 0 when all is well, 1 when something falls short (each is named).

    Example:

      recovery standby status --vault /vault --rpo 2m
    """
    import json

    from recovery.cli.lengths import parse_age
    from recovery.standby.pair import read_pair
    from recovery.standby.status import as_json as jsoned
    from recovery.standby.status import look, write_prometheus
    from recovery.vault.store import open_vault

    held = open_vault(vault)
    found = look(held, read_pair(held), rpo=parse_age(rpo, "--rpo").total_seconds())
    if prometheus:
        write_prometheus(found, prometheus)
    if as_json:
        echo(json.dumps(jsoned(found), indent=1))
    else:
        tell_status(found)
    raise typer.Exit(EXIT_FINDINGS if found.findings else 0)


@app.command()
def check(vault: VaultUri, as_json: AsJson = False) -> None:
    """Really starts a copy of the spare's copy, where nobody can reach it, and asks it.

    Ends with 2 when the copy isn't usable; `status` says so from then on, too.

    Example:

      recovery standby check --vault /vault
    """
    import json

    from recovery.standby.pair import read_pair
    from recovery.standby.try_copy import try_copy
    from recovery.vault.store import open_vault

    held = open_vault(vault)
    told = try_copy(held, read_pair(held), _say)
    echo(json.dumps(told) if as_json else str(told["says"]))
    raise typer.Exit(0 if told["usable"] else EXIT_FAILED)


app.command()(promote)
app.command()(failback)
app.command()(watch)


def _guard(given: str) -> int:
    from recovery.cli.lengths import parse_age
    from recovery.errors import BadInputError
    from recovery.standby.guard import LEAST

    seconds = int(parse_age(given, "--guard").total_seconds()) if given else 0
    if given and seconds < LEAST:
        raise BadInputError(
            f"a guard of {seconds} s would stop the server at each hiccup of the network",
            target="--guard",
            hint=f"at least {LEAST}s; 3m is usual",
        )
    return seconds
