"""How long until the clients are served again: from the last drills, else from measured parts.

A drill's name has a TTL of a second and its clients poll every few seconds: what production
adds (TTL, poll) is added here, so that the number is one to hold on to.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from recovery.choose.sizes import Sizes
from recovery.vault.manifest import Part

_MACHINE = 60.0
"""Seconds until a new cloud machine takes SSH; a machine that stands ready needs none."""
_INSTALL_AND_START = 7.0
"""Facts: 2.2 s to installed, 4.2 s to listening, in a systemd container."""
_STATE_A_SECOND = 20e6
_COPY_A_SECOND = 80e6
"""Bytes: assumed for a restic restore from a disk or S3 in reach; the last drills say better."""
_PROMOTE = 15.0
"""The hot spare's promise: promote to clients served, without TTL."""
_IMPORT_A_FLOW = 0.0041
"""Facts: 100 flows are imported in 0.41 s."""


@dataclass(frozen=True)
class Waits:
    """Seconds that production adds: the name's TTL, and the clients' longest poll."""

    ttl: float
    poll: float


@dataclass(frozen=True)
class Drill:
    """A past drill: its strategy, its RTO in seconds, when, and on which kind of server."""

    strategy: frozenset[str]
    seconds: float
    at: str
    kind: str
    spare: bool = False
    """Of a hot spare's promotion: nothing had to be restored."""


@dataclass(frozen=True)
class RecoveryTime:
    """``served``: seconds from the loss to clients served; ``whole``: until all is back."""

    served: float
    whole: float
    basis: str


def past_drills(reports: Path) -> list[Drill]:
    """The drills that recovered, newest first; what can't be read as a report is passed over."""
    found = list(_drills(reports))
    return sorted(found, key=lambda drill: drill.at, reverse=True)


def _drills(reports: Path) -> Iterator[Drill]:
    for path in reports.glob("*/report.json"):
        try:
            report: dict[str, Any] = json.loads(path.read_bytes())
            rto = report["rto_seconds"]
            kind = (report["server"] or {}).get("kind", "unknown")
            at = datetime.fromisoformat(str(report["finished_at"])).isoformat()
            strategy = frozenset(report["strategy"]) - {"redeploy"}
            if rto is not None and str(report["verdict"]).startswith("recovered"):
                yield Drill(strategy, float(rto), at, str(kind), report["scenario"] == "standby")
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue


def best_drill(
    drills: Sequence[Drill], strategy: frozenset[str], *, spare: bool = False
) -> Drill | None:
    """The newest drill of just this strategy; one on a real server goes before the reference's.

    A drill of a hot ``spare`` counts for a spare alone, whatever its strategy.
    """
    same = [one for one in drills if one.spare == spare and (spare or one.strategy == strategy)]
    return next((drill for drill in same if drill.kind == "velociraptor"), next(iter(same), None))


def estimate(
    parts: Sequence[Part], spare: bool, sizes: Sizes, waits: Waits, drills: Sequence[Drill]
) -> RecoveryTime:
    """For a strategy of ``parts``, or for a hot ``spare``."""
    added = waits.ttl + waits.poll
    strategy = frozenset(parts) - {"redeploy"}
    drill = best_drill(drills, strategy, spare=spare)
    basis = f"drill of {drill.at[:10]} ({drill.kind} server)" if drill else ""
    if spare:
        served = (drill.seconds if drill else _PROMOTE) + added
        return RecoveryTime(served, served, basis or "a hot spare's promise: no drill yet")
    if drill:
        base = drill.seconds
    else:
        base, basis = _INSTALL_AND_START + _reading(strategy, sizes), "no drill yet: from its parts"
        basis += "" if sizes.known else ", without its sizes"
    served = _MACHINE + base + added
    return RecoveryTime(served, served + _importing(strategy, sizes), basis)


def _reading(strategy: frozenset[str], sizes: Sizes) -> float:
    if "datastore" in strategy:
        return sizes.total / _COPY_A_SECOND
    return sizes.state / _STATE_A_SECOND if "state" in strategy else 0.0


def _importing(strategy: frozenset[str], sizes: Sizes) -> float:
    if "collections" not in strategy:
        return 0.0
    return sizes.flow_count_kept * _IMPORT_A_FLOW + sizes.flows_kept / _STATE_A_SECOND
