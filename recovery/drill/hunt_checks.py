"""A recovery starts nothing: hunts come back paused, and no client runs one again."""

from collections.abc import Mapping, Sequence

from recovery.velociraptor.api import Row
from recovery.verify.compare import FidelityLine
from recovery.verify.run_checks import Check

HUNT_STATES = "SELECT hunt_id, state FROM hunts()"
_RUNNING = (2, "2", "RUNNING")


def pause_check(states: Mapping[str, Sequence[Row]]) -> Check:
    """``states``: org → rows of :data:`HUNT_STATES`. Pure."""
    running = [
        f"{org} {row['hunt_id']}"
        for org, rows in states.items()
        for row in rows
        if row["state"] in _RUNNING
    ]
    total = sum(len(rows) for rows in states.values())
    if running:
        return Check(name=_PAUSED, outcome="failed", detail=f"running: {', '.join(running)}")
    return Check(name=_PAUSED, outcome="passed", detail=f"none of {total} hunts runs")


def repetition_check(fidelity: Sequence[FidelityLine]) -> Check:
    """A client that ran a hunt again has a part in it that nobody captured. Pure."""
    again = {line.org: line.added for line in fidelity if line.item == "hunt_results"}
    if any(again.values()):
        words = ", ".join(f"{org}: {count} more" for org, count in again.items() if count)
        return Check(name=_AGAIN, outcome="failed", detail=words)
    return Check(name=_AGAIN, outcome="passed", detail="no client has a part in a hunt anew")


_PAUSED = "hunts: come back paused"
_AGAIN = "hunts: no client runs one again"
