"""``recovery verify``: the checks and the comparison alone; nothing is changed."""

from pathlib import Path
from typing import Annotated

import typer

from recovery.cli.options import AsJson


def verify(
    target: Annotated[str, typer.Option(help="docker://NAME, ssh://HOST, local://")],
    vault: Annotated[
        str,
        typer.Option(
            help="the vault's folder or URI; without one, only the checks are made",
            envvar="RECOVERY_VAULT",
        ),
    ] = "",
    point: Annotated[str, typer.Option(help="recovery point; default: the newest")] = "",
    strategy: Annotated[
        str, typer.Option(help="what was brought back; losses beyond it are findings")
    ] = "state,collections",
    dns: Annotated[
        str, typer.Option(help="NAME=ADDRESS or NAME=ADDRESS@NAMESERVER[:PORT] to check")
    ] = "",
    wait: Annotated[
        float, typer.Option(help="seconds to wait for clients; default: a full poll", min=-1)
    ] = -1,
    junit: Annotated[Path | None, typer.Option(help="write the checks as JUnit XML")] = None,
    as_json: AsJson = False,
) -> None:
    """Holds a server to a recovery point: checks and comparison. Changes nothing.

    Also for the server in production: it tells what has changed since the capture.
    Exit code 0: nothing falls short; 1: findings; 2: the server can't be reached at all.

    Examples:

      recovery verify --target ssh://root@192.0.2.7 --vault /vault

      recovery verify --target docker://velociraptor --vault /vault --json --junit checks.xml
    """
    from recovery.cli.show_proof import proof_json, show_proof
    from recovery.restore.request import parse_request
    from recovery.target import open_target
    from recovery.vault.store import open_vault
    from recovery.verify.facts import parse_dns
    from recovery.verify.point_config import captured_config, config_on
    from recovery.verify.prove import prove

    request = parse_request(
        target=target,
        vault=vault,
        point=point,
        strategy=[part.strip() for part in strategy.split(",") if part.strip()],
    )
    record = parse_dns(dns) if dns else None
    store = open_vault(vault) if vault else None
    manifest = store.point(point) if store else None
    machine = open_target(target)
    try:
        machine.run(["true"])  # a target that isn't there is one error, not one a check
        config = captured_config(store, manifest) if store and manifest else config_on(machine)
        proof = prove(
            machine,
            config,
            manifest,
            request.strategy,
            lambda line: typer.echo(line, err=True),
            wait=None if wait < 0 else wait,
            dns=record,
            junit=junit,
        )
    finally:
        machine.close()
    if as_json:
        typer.echo(proof_json(proof, target, manifest))
    else:
        show_proof(proof)
    raise typer.Exit(1 if proof.findings else 0)
