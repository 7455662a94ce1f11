"""Hunts whose flows were imported: paused, and with the counts that they had.

A server counts every imported flow of a hunt that it knows, and every flow that is added to one,
on top of what the hunt's record says already; it never counts down again. An imported hunt is
STOPPED whatever it was (seen on a real server; facts: Exports and imports). Only hunts that an
import touched are looked at.
"""

import json
import time
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence

from recovery.errors import BadInputError, RecoveryError, VaultError
from recovery.restore.backup_sources import newest_backups
from recovery.restore.batches import chunks
from recovery.restore.call_restore import call_restore
from recovery.restore.context import Context
from recovery.restore.hunts_before import CLIENTS, SUMS, HuntsBefore, numbers, stats_of
from recovery.restore.import_hunts import AT_ONCE, forget_list
from recovery.restore.restore_backup import restorable
from recovery.vault.manifest import Archive
from recovery.velociraptor.api import Row
from recovery.velociraptor.archive_file import hunt_record
from recovery.velociraptor.backup_file import read_rows, write_hunts

_LIVE = """
SELECT hunt_id, state, stats, hunt_description, tags, expires FROM hunts(summary=TRUE)
ORDER BY hunt_id
"""
_MEMBERS = """
SELECT * FROM foreach(row=parse_json_array(data=Hunts), query={
  SELECT Hunt, count() AS Members FROM hunt_flows(hunt_id=Hunt, basic_info=TRUE) GROUP BY 1
})
"""
_WHOLE = """
SELECT * FROM foreach(row=parse_json_array(data=Hunts), query={
  SELECT * FROM hunts(hunt_id=Hunt, summary=TRUE)
})
"""
_STRANGE = (ValueError, TypeError, LookupError, AttributeError, RecursionError)
_OPEN = (1, 2, "PAUSED", "RUNNING")
_STILL = ("PAUSED", "STOPPED")
_PAUSE = 0.5
"""A server counts a little later than it imports: two looks at the same are waited for."""
_PATIENCE, _AT_MOST = 10, 300
"""Seconds: without any change, and in all."""
_NAMES = 5


def settle_hunts(
    context: Context, org: str, archives: Sequence[Archive], before: HuntsBefore
) -> list[str]:
    """Hunts of ``org`` that don't run have the counts that they had, where an import changed them.

    What can't be put right is a finding: a recovery doesn't end over counts. The next run of it
    tries again.
    """
    if not before.touched:
        return []
    try:
        wrong = _settle(context, org, _known(context, org, archives, before), before)
        if not wrong:
            before.close()
            return []
        reason = "they did not settle"
    except RecoveryError as refused:
        wrong, reason = sorted(before.touched), refused.message
    names = ", ".join(wrong[:_NAMES]) + (f" and {len(wrong) - _NAMES} more" * (len(wrong) > _NAMES))
    said = f"{org}: the counts of {names} may be too high: {reason}"
    return [f"{said} (the same command tries again)"]


def _settle(context: Context, org: str, known: Mapping[str, Row], before: HuntsBefore) -> list[str]:
    """The hunts that are still wrong when nothing moves any more."""
    last: list[Row] | None = None
    began = moved = time.monotonic()
    while True:
        rows = context.api().query(_LIVE, org=org)
        live = [row for row in rows if row["hunt_id"] in known and row["state"] in _STILL]
        now = time.monotonic()
        if live == last:
            members = _members(context, org, [row for row in live if _counted(row, known)])
            wrong = [
                fixed
                for row in live
                if (fixed := settled(known[row["hunt_id"]], row, members.get(row["hunt_id"], 0)))
            ]
            if not wrong:
                return []
            if now - moved > _PATIENCE or now - began > _AT_MOST:
                return [str(row["hunt_id"]) for row in wrong]
            _write(context, org, wrong, before)
        elif now - began > _AT_MOST:
            return sorted(str(row["hunt_id"]) for row in live)
        else:
            last, moved = live, now
        time.sleep(_PAUSE)


def _write(context: Context, org: str, wrong: Sequence[Row], before: HuntsBefore) -> None:
    """Writes hunts anew; of those that the server knew before, all but counts stays as it is."""
    theirs = {row["hunt_id"]: row for row in wrong if before.counts(row["hunt_id"]) is not None}
    rows = [row for row in wrong if row["hunt_id"] not in theirs]
    for some in chunks([{"Hunt": hunt} for hunt in theirs], AT_ONCE):
        env = {"Hunts": json.dumps(some)}
        rows += [
            with_counts(whole, theirs[whole["hunt_id"]])
            for whole in context.api().query(_WHOLE, env=env, org=org, timeout=3600)
        ]
    file = write_hunts(context.folder / "settled.zip", org, rows)
    call_restore(context, org, file, ["Hunt"])
    forget_list(context, org)


def with_counts(whole: Row, fixed: Row) -> Row:
    """A hunt as the server tells it, with the counts of ``fixed``; it can be restored. Pure.

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


def settled(known: Row | None, live: Row, members: int) -> Row | None:
    """The hunt as it is to be written, or None where it is right as it is. Pure.

    ``members``: the flows that the server lists for it. Of a running hunt nothing is changed, nor
    is one paused that somebody stopped.
    """
    if known is None or live["state"] not in _STILL:
        return None
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


def _summary(hunt: Row) -> Row:
    """It leaves the request as it is on the disk (read in the server's source, and seen)."""
    asked = hunt.get("start_request")
    request = asked if isinstance(asked, dict) else {}
    return {
        "creator": request.get("creator") or "",
        "artifacts": request.get("artifacts") or [],
        "summary": True,
    }


def _known(
    context: Context, org: str, archives: Sequence[Archive], before: HuntsBefore
) -> dict[str, Row]:
    """Each touched hunt as it is to be: as it was before, or else as it was captured.

    Counts only grow: of two sources of one time the higher is the newer. A state that was placed
    may be some seconds older than the backup beside it; another point's backup, older or of
    another server's life, has no say over what the server knew.
    """
    backed = _backed(context, org)
    placed = backed if context.wants("state") or context.wants("backup") else {}
    exports = {one.hunt_id: one for one in archives if one.kind == "hunt"}
    found: dict[str, Row] = {}
    for hunt in before.touched:
        had = before.counts(hunt)
        if had is not None:
            found[hunt] = {"hunt_id": hunt, "stats": _higher(had, placed.get(hunt, {}))}
        elif hunt in exports:
            record = hunt_record(context.fetch(exports[hunt].file))
            higher = _higher(numbers(record), backed.get(hunt, {}))
            found[hunt] = record | {"stats": stats_of(record) | higher}
    return found


def _higher(counts: Mapping[str, int], other: Row) -> dict[str, int]:
    others = numbers(other)
    return {name: max(count, others[name]) for name, count in counts.items()}


def _backed(context: Context, org: str) -> dict[str, Row]:
    """The hunts of the newest backup; none where it can't be read, which its own check tells."""
    try:
        source = newest_backups(context, context.manifest).get(org)
        if source is None:
            return {}
        with zipfile.ZipFile(source[1]) as archive:
            rows = read_rows(archive, f"orgs/{org}/hunts.json")
        return {str(row["hunt_id"]): restorable(row) for row in rows if row.get("hunt_id")}
    except (BadInputError, VaultError, zipfile.BadZipFile, zlib.error, *_STRANGE):
        return {}


def _counted(live: Row, known: Mapping[str, Row]) -> bool:
    """Whether its flows have to be counted: it says more than it said when it was captured."""
    record = known.get(live["hunt_id"])
    if record is None or live["state"] not in _STILL:
        return False
    had, now = numbers(record), numbers(live)
    return any(now[name] > had[name] for name in CLIENTS)


def _members(context: Context, org: str, hunts: Iterable[Row]) -> dict[str, int]:
    found: dict[str, int] = {}
    for some in chunks([{"Hunt": hunt["hunt_id"]} for hunt in hunts], AT_ONCE):
        env = {"Hunts": json.dumps(some)}
        rows = context.api().query(_MEMBERS, env=env, org=org, timeout=3600)
        found |= {row["Hunt"]: int(row["Members"]) for row in rows}
    return found
