"""``recovery verify``: the checks and the comparison alone; nothing is changed."""

from pathlib import Path
from typing import Annotated

import typer

from recovery.cli.options import AsJson
from recovery.cli.terminal import echo


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
    accounts: Annotated[
        str,
        typer.Option(
            help="who was to come back: all, known, unchanged, or a file; default: whom the "
            "recovery on this machine let in, or else all"
        ),
    ] = "",
    everything: Annotated[
        bool,
        typer.Option(
            "--everything",
            help="hold it to all that was captured, also where its recovery was asked for less",
        ),
    ] = False,
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

    Also for the server in production: it tells what has changed since the capture. Accounts that
    a recovery held back are shown as held back, and are no loss; if one is there, it is a finding.
    What a recovery on this machine was not asked for (--org, --provider …) is shown as not chosen.
    Where its recovery was cut off, or is still at work, that is the first finding: at which step,
    and what goes on with it.

    Exit code 0: nothing falls short; 1: findings; 2: the server can't be reached at all; 64: the
    point is of another deployment.

    Examples:

      recovery verify --target ssh://root@192.0.2.7 --vault /vault

      recovery verify --target docker://velociraptor --vault /vault --json --junit checks.xml
    """
    from recovery.cli.show_proof import proof_json, show_proof
    from recovery.restore.choose_point import captured_last
    from recovery.restore.context import Context
    from recovery.restore.cut_off import cut_off
    from recovery.restore.promise import promised_to
    from recovery.restore.request import parse_request
    from recovery.standby.places import ROLE
    from recovery.vault.store import open_vault
    from recovery.verify.facts import parse_dns
    from recovery.verify.point_config import config_on, refuse_another_deployment
    from recovery.verify.prove import prove

    request = parse_request(
        target=target,
        vault=vault,
        point=point,
        strategy=[part.strip() for part in strategy.split(",") if part.strip()],
        accounts=accounts or "all",
    )
    record = parse_dns(dns) if dns else None

    def say(line: str) -> None:
        echo(line, err=True)

    if vault and not point:
        newest = captured_last(open_vault(vault))
        request = request.model_copy(update={"point": newest.point})
    with Context(request, say) as context:
        machine = context.target
        machine.run(["true"])  # a target that isn't there is one error, not one a check
        if vault:
            refuse_another_deployment(machine, context.manifest)
        manifest, held, left = (
            promised_to(context, accounts, everything=everything) if vault else (None, [], {})
        )
        # A machine of a hot spare's pair is held for other reasons.
        paired = machine.run(["test", "-e", ROLE], check=False).returncode == 0
        known = [] if paired else cut_off(context)
        for line in known:
            say(line)
        proof = prove(
            machine,
            context.config if vault else config_on(machine),
            manifest,
            request.strategy,
            say,
            wait=None if wait < 0 else wait,
            dns=record,
            junit=junit,
            held_back=held,
            not_chosen=left,
            known=known,
        )
    if as_json:
        echo(proof_json(proof, target, manifest))
    else:
        show_proof(proof)
    raise typer.Exit(1 if proof.findings else 0)
