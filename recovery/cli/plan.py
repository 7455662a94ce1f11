"""``recovery plan``: which strategy is enough, what it loses, what it costs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recovery.cli.options import ConfigThere
from recovery.cli.terminal import echo
from recovery.velociraptor.paths import CONFIG_PATH

if TYPE_CHECKING:
    from datetime import timedelta

    from recovery.choose.recovery_time import Waits
    from recovery.choose.sizes import Sizes

_KEEP = "what must come back, by commas: labels, hunts, collections:30d, everything, nothing, …"


def plan(
    rpo: Annotated[str, typer.Option(help="how old the data may be that comes back")] = "24h",
    rto: Annotated[str, typer.Option(help="how soon clients must be served again")] = "1h",
    keep: Annotated[str, typer.Option(help=_KEEP)] = "clients, labels, orgs, users, hunts",
    measure: Annotated[
        str, typer.Option(help="the running server, to be measured: ssh://, docker://, local://")
    ] = "",
    vault: Annotated[
        str, typer.Option(help="the vault's folder or URI, for its price", envvar="RECOVERY_VAULT")
    ] = "",
    ttl: Annotated[float, typer.Option(min=0, help="TTL of the clients' DNS name, seconds")] = 60,
    storage_price: Annotated[
        float | None, typer.Option(min=0, help="dollars a GB and month, where it isn't Amazon's S3")
    ] = None,
    read_price: Annotated[
        float | None, typer.Option(min=0, help="dollars a GB that a recovery reads")
    ] = None,
    config: ConfigThere = CONFIG_PATH,
    write: Annotated[
        Path | None, typer.Option(help="write the recommended one as Pulumi.STACK.yaml")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="the table as JSON, all names")] = False,
) -> None:
    """Compares the strategies for this server, and recommends the least that is enough.

    With --measure, sizes, growth and names come from the server itself (one low-priority pass
    over its file names; nothing is changed); without, from the vault's newest point. RTO comes
    from this machine's last drills, where there are any, plus TTL and poll.

    Ends with 0 when a strategy gives all that was asked, 1 when none does.

    Examples:

      recovery plan --rpo 15m --rto 10m --keep labels,hunts,collections:30d \\
        --measure ssh://root@velociraptor.example --vault s3://BUCKET/PREFIX

      recovery plan --keep everything --rto 2m --write Pulumi.prod.yaml
    """
    import shlex
    import sys

    from recovery.choose.prices import prices_of
    from recovery.choose.recovery_time import past_drills
    from recovery.choose.strategies import Asked, choose
    from recovery.choose.wishes import read_wishes
    from recovery.choose.write_config import configuration
    from recovery.cli.lengths import parse_age
    from recovery.cli.show_plan import plan_json, plan_table
    from recovery.errors import BadInputError
    from recovery.state_folder import state_folder

    wishes = read_wishes(keep, lambda age: parse_age(age, "--keep"))
    asked = Asked(parse_age(rpo, "--rpo"), parse_age(rto, "--rto"), wishes)
    if write and write.exists():
        raise BadInputError("it is there already", target=str(write), hint="name another file")
    sizes, names, waits = _facts(measure, vault, config, wishes.since, ttl)
    prices = prices_of(vault, storage_price, read_price)
    drills = past_drills(state_folder() / "reports")
    choice = choose(asked, sizes, names, prices, waits, drills)
    chosen = next(row for row in choice.rows if row.strategy == choice.recommended)
    if write:
        command = f"recovery {shlex.join(sys.argv[1:])}"
        write.write_text(configuration(chosen, vault, measure, command))
    if as_json:
        echo(plan_json(choice, sizes, prices, waits))
    else:
        plan_table(choice, sizes, prices, waits)
        if write:
            echo(f"written: {write}")
    raise typer.Exit(0 if choice.enough else 1)


def _facts(
    measure: str, vault: str, config_path: str, since: "timedelta | None", ttl: float
) -> "tuple[Sizes, dict[str, list[str]], Waits]":
    """From the running server, else from the vault's newest point, else nothing is known."""
    from recovery.choose import names, sizes
    from recovery.choose.recovery_time import Waits
    from recovery.errors import RecoveryError
    from recovery.target import open_target
    from recovery.vault.by_capture import order
    from recovery.vault.store import open_vault
    from recovery.velociraptor.api import open_api
    from recovery.velociraptor.read_config import read_config

    usual = Waits(ttl, 90)
    if measure:
        target = open_target(measure)
        try:
            server = read_config(target, config_path)
            echo(f"measuring {server.datastore} on {measure} …", err=True)
            found = sizes.measure(target, server.folders, since)
            with open_api(target, server) as api:
                named = names.ask_names(api)
            client = server.values.get("Client") or {}
            poll = float(client.get("max_poll") or 60) + float(client.get("max_poll_std") or 30)
            return found, named, Waits(ttl, poll)
        finally:
            target.close()
    if vault:
        try:
            points = [entry.file for entry in open_vault(vault).list_points() if entry.file]
        except RecoveryError as refused:
            echo(f"the vault tells nothing: {refused.message}", err=True)
            points = []
        if points:
            newest = max((file.manifest for file in points), key=order)
            return sizes.of_point(newest), names.of_inventory(newest), usual
    return sizes.UNKNOWN, {}, usual
