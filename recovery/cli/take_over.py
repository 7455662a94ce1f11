"""The verbs that let the spare take over: ``recovery standby promote``, ``failback``, ``watch``."""

from pathlib import Path
from typing import Annotated, Any

import typer

from recovery.cli.options import AsJson, CheckEvery, PromoteAfter, SyncEvery, VaultUri
from recovery.cli.show_standby import end, tell_lag
from recovery.cli.terminal import echo

SwitchUri = Annotated[
    str,
    typer.Option(
        "--switch",
        help="what decides where clients go (`recovery failover --help`); default: the pair's",
        envvar="RECOVERY_SWITCH",
    ),
]
NoSwitch = Annotated[
    bool, typer.Option("--no-switch", help="leave the clients' way (DNS, load balancer) alone")
]


def _say(line: str) -> None:
    echo(line, err=True)


def promote(
    vault: VaultUri,
    dead: Annotated[
        bool,
        typer.Option("--old-server-is-dead", help="your word, where it can't be reached"),
    ] = False,
    to: Annotated[str, typer.Option(help="this machine of the pair; default: the spare")] = "",
    switch: SwitchUri = "",
    no_switch: NoSwitch = False,
    as_json: AsJson = False,
) -> None:
    """The spare takes over: the old server is stopped and held, a last sync, start, DNS, clients.

    Where the old server can't be reached it can't be stopped: then nothing happens without
    --old-server-is-dead. Run it again after any failure: it goes on. Ends with 1 when clients are
    missing or something falls short.

    Examples:

      recovery standby promote --vault /vault

      recovery standby promote --vault /vault --old-server-is-dead
    """
    from recovery.standby.pair import read_pair
    from recovery.standby.promote import promote as promote_spare
    from recovery.vault.store import open_vault

    held = open_vault(vault)
    pair = read_pair(held)
    chosen = _switch(pair, switch, no_switch)
    end(promote_spare(held, pair, chosen, _say, old_is_dead=dead, to=to), as_json)


def failback(
    vault: VaultUri,
    switch: SwitchUri = "",
    no_switch: NoSwitch = False,
    only_follow: Annotated[
        bool, typer.Option("--only-follow", help="make it a spare again, and go no further")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Back to the machine that served before: it follows the new one, then takes over, lossless.

    Example:

      recovery standby failback --vault /vault
    """
    from recovery.standby.failback import failback as fail_back
    from recovery.standby.failback import follow
    from recovery.standby.pair import read_pair
    from recovery.vault.store import open_vault

    held = open_vault(vault)
    pair = read_pair(held)
    if only_follow:
        follow(held, pair, _say)
        return
    end(fail_back(held, pair, _switch(pair, switch, no_switch), _say), as_json)


def watch(
    vault: VaultUri,
    every: SyncEvery = "30s",
    promote_after: PromoteAfter = "",
    check_every: CheckEvery = "6h",
    switch: SwitchUri = "",
    no_switch: NoSwitch = False,
    prometheus: Annotated[
        Path | None, typer.Option(help="write a text file for the node exporter")
    ] = None,
) -> None:
    """Syncs on a timer and watches the server; with --promote-after it takes over unattended.

    Unattended, only a server that is stopped for certain is replaced: one that can be reached and
    stopped, or one with a guard (`init --guard`) that has stopped itself by now.

    Examples:

      recovery standby watch --vault /vault --prometheus /var/lib/node/standby.prom

      recovery standby watch --vault /vault --promote-after 3m
    """
    from recovery.cli.lengths import parse_age
    from recovery.standby.pair import read_pair
    from recovery.standby.status import write_prometheus
    from recovery.standby.watch import Rhythm
    from recovery.standby.watch import watch as watch_pair
    from recovery.vault.store import open_vault

    held = open_vault(vault)
    pair = read_pair(held)
    after = parse_age(promote_after, "--promote-after").total_seconds() if promote_after else 0.0
    seconds = parse_age(every, "--every").total_seconds()
    chosen = _switch(pair, switch, no_switch) if after else None

    def looked(found: Any) -> None:
        tell_lag(found)
        if prometheus:
            write_prometheus(found, prometheus)

    rhythm = Rhythm(
        sync=seconds,
        look=min(5.0, seconds),
        promote_after=after,
        check=parse_age(check_every, "--check-every").total_seconds(),
    )
    promotion = watch_pair(held, pair, chosen, rhythm, _say, looked=looked)
    if promotion is not None:
        end(promotion, as_json=False)


def _switch(pair: Any, given: str, no_switch: bool) -> Any:
    """As given, else the pair's. None only when that is asked for."""
    from recovery.errors import BadInputError
    from recovery.switch.open import open_switch

    if no_switch:
        return None
    if not given and not pair.switch:
        raise BadInputError(
            "nothing to switch is known: clients would go on to the old server",
            target="--switch",
            hint="give --switch (`recovery failover --help`), or --no-switch to do it by other "
            "means. Nothing was changed",
        )
    return open_switch(given or pair.switch)
