"""``recovery failover``: the clients to another server, and back."""

from typing import Annotated

import typer

from recovery.cli.help_text import with_switches
from recovery.cli.options import AsJson
from recovery.cli.terminal import echo


def failover(
    switch: Annotated[
        str,
        typer.Option(help="what decides where clients go; forms below", envvar="RECOVERY_SWITCH"),
    ],
    to: Annotated[str, typer.Option(help="the address that takes the clients")] = "",
    back: Annotated[
        bool, typer.Option("--back", help="to where they went before the last switch from here")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="look only: where they go, TTL; 1 if it is too high")
    ] = False,
    lower_ttl: Annotated[
        bool, typer.Option("--lower-ttl", help="publish the present address with the switch's ttl")
    ] = False,
    max_ttl: Annotated[int, typer.Option(min=0, help="seconds that clients may be late")] = 300,
    port: Annotated[
        int, typer.Option(min=1, max=65535, help="frontend's port, asked before the switch")
    ] = 8000,
    unchecked: Annotated[
        bool, typer.Option("--unchecked", help="switch without asking the new server")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Sends the clients to another server: by DNS or by a load balancer.

    Looks first: where they go now, for how long resolvers keep that (TTL), whether the new
    server answers. Fencing the old server is `recovery standby promote`'s part; this only
    switches. Run it again after any failure.

    Ends with 0 when switched, 1 when the TTL or something else falls short, 2 when not.

    Examples:

      recovery failover --switch 'dns://192.0.2.53/velo.example.org?key=/root/tsig' --check

      recovery failover --switch haproxy://127.0.0.1:9999/velociraptor --to 192.0.2.8

      recovery failover --switch route53://velo.example.org --back
    """
    import json
    from dataclasses import asdict

    from recovery.errors import BadInputError
    from recovery.switch.fail_over import Look, Switched, fail_over, look, read_address, way_back
    from recovery.switch.open import open_switch

    if sum((bool(to), back, check, lower_ttl)) != 1:
        raise BadInputError(
            "one of --to, --back, --check and --lower-ttl is needed", target="recovery failover"
        )
    chosen = open_switch(switch)
    result: Look | Switched
    if check:
        result = look(chosen, max_ttl)
        echo(
            f"{result.switch}: clients go to {result.current or 'nobody'}, TTL {result.ttl} s",
            err=True,
        )
    else:
        if lower_ttl:
            address = read_address(chosen.current())
        else:
            address = way_back(chosen) if back else read_address(to)
        asked = 0 if unchecked or lower_ttl else port
        result = fail_over(
            chosen,
            address,
            port=asked,
            max_ttl=max_ttl,
            say=lambda line: echo(line, err=True),
        )
        if lower_ttl:
            result = look(chosen, max_ttl)
    if as_json:
        echo(json.dumps(asdict(result), indent=1))
    for finding in result.findings:
        echo(f"finding: {finding}", err=True)
    raise typer.Exit(1 if result.findings else 0)


failover.__doc__ = with_switches(failover.__doc__)
