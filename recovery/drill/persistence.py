"""Nothing that was back before the crash is gone after it."""

from collections.abc import Sequence

from recovery.verify.compare import FidelityLine
from recovery.verify.prove import Proof, line_finding
from recovery.verify.run_checks import Check

NAME = "persistence: nothing is lost by kill -9 and a restart"


def persistence_check(before: Sequence[Proof], after: Proof) -> Check:
    """Every line of the table before the crash is as good after it. Pure.

    Without a table on either side it could not be made, which is an error, not a pass.
    """
    if not before or not before[-1].fidelity or not after.fidelity:
        detail = "could not be checked: there is no table from before the crash, or from after it"
        return Check(name=NAME, outcome="error", detail=detail)
    known = {(line.org, line.item): line for line in after.fidelity}
    gone = [
        words
        for line in before[-1].fidelity
        if (words := _worse(line, known.get((line.org, line.item))))
    ]
    total = sum(line.restored for line in before[-1].fidelity)
    if gone:
        return Check(name=NAME, outcome="failed", detail="; ".join(gone))
    return Check(name=NAME, outcome="passed", detail=f"all {total} things are still there")


def _worse(before: FidelityLine, after: FidelityLine | None) -> str:
    kept = after.restored if after else 0
    if kept >= before.restored:
        return ""
    return f"{before.org}: {before.restored - kept} of {before.restored} {before.item} are gone"


def only_before(before: Proof, after: Proof) -> list[str]:
    """What fell short before the crash and doesn't any more: a restart has hidden it. Pure."""
    bad = ("failed", "error")
    still = {check.name for check in after.checks if check.outcome in bad}
    short = {(line.org, line.item) for line in after.fidelity if line.falls_short}
    checks = [
        f"before the restart: check {check.name}: {check.detail}"
        for check in before.checks
        if check.outcome in bad and check.name not in still
    ]
    lines = [
        f"before the restart: {line_finding(line)}"
        for line in before.fidelity
        if line.falls_short and (line.org, line.item) not in short
    ]
    return [*checks, *lines]
