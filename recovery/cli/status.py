"""``recovery status``: is this server recoverable now?"""

from pathlib import Path
from typing import Annotated

import typer

from recovery.cli.options import AsJson, ConfigThere, VaultUri
from recovery.cli.terminal import echo
from recovery.velociraptor.paths import CONFIG_PATH


def status(
    vault: VaultUri,
    source: Annotated[
        str, typer.Option("--from", help="the running server, to look at it as well")
    ] = "",
    rpo: Annotated[str, typer.Option(help="how old the newest point may be (24h, 15m)")] = "24h",
    config: ConfigThere = CONFIG_PATH,
    dns: Annotated[bool, typer.Option("--dns/--no-dns", help="look up the clients' names")] = True,
    prometheus: Annotated[
        Path | None, typer.Option(help="write a text file for the node exporter")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Says whether this server is recoverable now, and what to do where it isn't.

    Ends with 0 when it is, 1 with warnings, 2 when not, or when something is unknown.

    Examples:

      recovery status --vault /vault --rpo 24h

      recovery status --vault /vault --from ssh://root@velociraptor.example --prometheus FILE.prom
    """
    import json
    import time
    from dataclasses import asdict

    from recovery.capture.readiness import exit_code, verdict, write_prometheus
    from recovery.capture.readiness_of import look
    from recovery.cli.lengths import parse_age
    from recovery.cli.show_points import status_table
    from recovery.target import open_target
    from recovery.vault.store import open_vault

    target = open_target(source) if source else None
    try:
        lines = look(open_vault(vault), target, config, parse_age(rpo, "--rpo"), names=dns)
    finally:
        if target:
            target.close()
    if prometheus:
        write_prometheus(lines, prometheus, time.time())
    if as_json:
        found = {"verdict": verdict(lines), "lines": [asdict(line) for line in lines]}
        echo(json.dumps(found, indent=1))
    else:
        status_table(lines)
    raise typer.Exit(exit_code(lines))
