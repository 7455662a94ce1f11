"""Step: the checks and the full comparison, changing nothing; its result goes to the report."""

import shlex
from collections import Counter
from datetime import UTC, datetime

from recovery.counts import things
from recovery.restore.context import Context
from recovery.restore.promise import promised
from recovery.restore.request import RestoreRequest
from recovery.restore.step import Report
from recovery.restore.write_report import record, write_report
from recovery.verify.fleet import NOT_SENT


def prove_recovery(context: Context) -> Report:
    """Runs the proof of :mod:`recovery.verify`; what falls short is a finding, not an error."""
    from recovery.verify.prove import prove  # noqa: PLC0415 - brings pytest with it

    manifest, held, left = promised(context) if context.has_point else (None, [], {})
    request = context.request
    proof = prove(
        context.target,
        context.config,
        manifest,
        request.strategy,
        context.say,
        wait=request.client_wait,
        clients_sent=request.clients_sent,
        dns=request.dns,
        held_back=held,
        not_chosen=left,
    )
    context.facts["proof"] = proof.model_dump_json()
    if context.has_point:
        at = datetime.now(UTC)
        path = write_report(record(request, context.manifest.point, proof, at), at)
        context.facts["report"] = str(path)
        context.say(f"report: {path}")
    if any(check.detail.endswith(NOT_SENT) for check in proof.checks):
        context.facts["next"] = what_next(request)
    outcomes = Counter(check.outcome for check in proof.checks)
    skipped = f", {outcomes['skipped']} skipped" if outcomes["skipped"] else ""
    lost = sum(line.lost for line in proof.fidelity if not line.expected)
    return Report(
        f"{outcomes['passed']} of {things(len(proof.checks), 'check')} passed{skipped}, "
        f"{things(lost, 'thing')} lost unexpectedly",
        proof.findings,
    )


def what_next(request: RestoreRequest) -> str:
    """What is left where nobody has led the clients here; its command can be copied."""
    verify = ["recovery", "verify", "--target", request.target, "--vault", request.vault]
    return (
        f"lead the clients to this machine (its name, a load balancer), then `{shlex.join(verify)}`"
    )
