"""Step: the checks and the full comparison, changing nothing; its result goes to the report."""

from datetime import UTC, datetime

from recovery.counts import things
from recovery.restore.context import Context
from recovery.restore.promise import promised
from recovery.restore.step import Report
from recovery.restore.write_report import record, write_report


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
    passed = sum(check.outcome == "passed" for check in proof.checks)
    lost = sum(line.lost for line in proof.fidelity if not line.expected)
    return Report(
        f"{passed} of {things(len(proof.checks), 'check')} passed, "
        f"{things(lost, 'thing')} lost unexpectedly",
        proof.findings,
    )
