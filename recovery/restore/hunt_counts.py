"""The counts in a hunt's record, and what they are to be after an import. Pure.

A server counts every imported flow of a hunt that it knows, and every flow that is added to one,
on top of what the hunt's record says already; it never counts down again. An imported hunt is
STOPPED whatever it was (seen on a real server; facts: Exports and imports).
"""

import re
from collections.abc import Mapping
from typing import Any

from recovery.velociraptor.api import Row

CLIENTS = (
    "total_clients_scheduled",
    "total_clients_with_results",
    "total_clients_with_errors",
    "total_finished_clients",
)
SUMS = ("total_collected_rows", "total_uploaded_bytes")
STILL = ("PAUSED", "STOPPED")
"""States of a hunt whose counts are put right; of a running one they move."""
_OPEN = (1, 2, "PAUSED", "RUNNING")
_NUMBER = re.compile(r"[0-9]{1,18}")


def numbers(hunt: Mapping[str, Any]) -> dict[str, int]:
    """Its counts; a file has 64 bits as text, and what is no number counts as none."""
    said = {name: str(stats_of(hunt).get(name)) for name in (*CLIENTS, *SUMS)}
    return {name: int(text) if _NUMBER.fullmatch(text) else 0 for name, text in said.items()}


def stats_of(hunt: Mapping[str, Any]) -> dict[str, Any]:
    """Its counts as they are; a file that anybody may have made can hold anything there."""
    stats = hunt.get("stats")
    return stats if isinstance(stats, dict) else {}


def more_clients(live: Row, known: Row) -> bool:
    """Whether it says more than it said: then its flows have to be counted."""
    had, now = numbers(known), numbers(live)
    return any(now[name] > had[name] for name in CLIENTS)


def too_high(known: Row, live: Row, members: int) -> int:
    """By how many clients a hunt says more than it had, and more than the server lists for it.

    Of one that runs nothing is written: it would be sent to every client anew.
    """
    had, now = numbers(known), numbers(live)
    return max(now[name] - max(had[name], members) for name in CLIENTS)


def settled(known: Row, live: Row, members: int) -> Row | None:
    """A hunt that doesn't run as it is to be written, or None where it is right as it is.

    ``members``: the flows that the server lists for it. One paused that somebody stopped stays so.
    """
    had, now = numbers(known), numbers(live)
    over = any(now[name] > max(had[name], members) for name in CLIENTS)
    under = any(now[name] < had[name] for name in (*CLIENTS, *SUMS))
    stopped = live["state"] == "STOPPED"
    pause = stopped and known.get("state") in _OPEN and not (live["stats"] or {}).get("stopped")
    if not (over or under or pause):
        return None
    counts = {name: max(had[name], min(now[name], members)) for name in CLIENTS}
    sums = {name: had[name] if over else max(had[name], now[name]) for name in SUMS}
    return known | {
        "state": "STOPPED" if stopped and not pause else "PAUSED",
        "hunt_description": live["hunt_description"],
        "tags": live["tags"],
        "expires": live["expires"],
        "stats": stats_of(known) | counts | sums | {"stopped": stopped and not pause},
        "start_request": _summary(known),
    }


def with_counts(whole: Row, fixed: Row) -> Row:
    """A hunt as the server tells it, with the counts of ``fixed``; it can be restored.

    A server tells all kinds of condition, also those that are not set; of labels and operating
    system it takes one only, else not the hunt (read in its source).
    """
    said = whole.get("condition") or {}
    condition = {
        name: said[name]
        for name in ("labels", "excluded_labels")
        if (said.get(name) or {}).get("label")
    }
    if (said.get("os") or {}).get("os") not in (None, 0, "ALL"):
        condition["os"] = said["os"]
    return {name: value for name, value in whole.items() if name != "condition"} | {
        "state": fixed["state"],
        "stats": stats_of(whole) | fixed["stats"],
        "start_request": _summary(whole),
        **({"condition": condition} if condition else {}),
    }


def _summary(hunt: Row) -> Row:
    """It leaves the request as it is on the disk (read in the server's source, and seen)."""
    asked = hunt.get("start_request")
    request = asked if isinstance(asked, dict) else {}
    return {
        "creator": request.get("creator") or "",
        "artifacts": request.get("artifacts") or [],
        "summary": True,
    }
