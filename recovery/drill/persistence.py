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
    pairs = [(line, known.get((line.org, line.item))) for line in before[-1].fidelity]
    # Clients that had just enrolled again by themselves, say: nothing that was brought back.
    unpromised = [line for line, now in pairs if now and now.expected and _gone(line, now)]
    held = [(line, now) for line, now in pairs if line not in unpromised]
    gone = [
        f"{line.org}: {_gone(line, now)} of {line.restored} {line.item} are gone"
        for line, now in held
        if _gone(line, now)
    ]
    if gone:
        return Check(name=NAME, outcome="failed", detail="; ".join(gone))
    detail = f"all {sum(line.restored for line, _ in held)} things are still there"
    if unpromised:
        named = ", ".join(f"{line.item} of {line.org}" for line in unpromised)
        detail += f"; not counted, for the strategy doesn't bring them back: {named}"
    return Check(name=NAME, outcome="passed", detail=detail)


def _gone(before: FidelityLine, after: FidelityLine | None) -> int:
    return max(0, before.restored - (after.restored if after else 0))


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
