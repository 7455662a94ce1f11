"""Hunts whose flows were imported: paused, and with the counts that they had.

A server counts every imported flow of a hunt that it knows, and every flow that is added to one,
on top of what the hunt's record says already; it never counts down again. An imported hunt is
STOPPED whatever it was (seen on a real server; facts: Exports and imports).
"""

import json
import re
import time
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from recovery.errors import BadInputError, VaultError
from recovery.restore.backup_sources import newest_backups
from recovery.restore.batches import chunks
from recovery.restore.call_restore import call_restore
from recovery.restore.context import Context
from recovery.restore.import_hunts import AT_ONCE, forget_list
from recovery.restore.restore_backup import restorable
from recovery.vault.manifest import Archive
from recovery.velociraptor.api import Row
from recovery.velociraptor.archive_file import hunt_record
from recovery.velociraptor.backup_file import read_rows, write_hunts

_LIVE = """
SELECT hunt_id, state, stats, hunt_description, tags, expires FROM hunts() ORDER BY hunt_id
"""
_MEMBERS = """
SELECT * FROM foreach(row=parse_json_array(data=Hunts), query={
  SELECT Hunt, count() AS Members FROM hunt_flows(hunt_id=Hunt, basic_info=TRUE) GROUP BY 1
})
"""
_CLIENTS = (
    "total_clients_scheduled",
    "total_clients_with_results",
    "total_clients_with_errors",
    "total_finished_clients",
)
_SUMS = ("total_collected_rows", "total_uploaded_bytes")
_NUMBER = re.compile(r"[0-9]{1,18}")
_STRANGE = (ValueError, TypeError, LookupError, AttributeError, RecursionError)
_OPEN = (1, 2, "PAUSED", "RUNNING")
_STILL = ("PAUSED", "STOPPED")
_LOOKS, _PAUSE = 20, 0.5
"""A server counts a little later than it imports: two looks at the same are waited for."""


def settle_hunts(context: Context, org: str, archives: Sequence[Archive]) -> None:
    """Hunts of ``org`` that don't run are as they were captured, where importing changed them."""
    known = _captured(context, org, archives)
    before: list[Row] | None = None
    for _ in range(_LOOKS if known else 0):
        live = context.api().query(_LIVE, org=org)
        members = _members(context, org, [row for row in live if _counted(row, known)])
        wrong = [
            fixed
            for row in live
            if (fixed := settled(known.get(row["hunt_id"]), row, members.get(row["hunt_id"], 0)))
        ]
        if not wrong:
            break
        if live == before:
            file = write_hunts(context.folder / "settled.zip", org, wrong)
            call_restore(context, org, file, ["Hunt"])
            forget_list(context, org)
        before = live
        time.sleep(_PAUSE)


def settled(known: Row | None, live: Row, members: int) -> Row | None:
    """The hunt as it is to be written, or None where it is right as it is. Pure.

    ``members``: the flows that the server lists for it. Of a running hunt nothing is changed, nor
    is one paused that somebody stopped.
    """
    if known is None or live["state"] not in _STILL:
        return None
    had, now = _numbers(known), _numbers(live)
    over = any(now[name] > max(had[name], members) for name in _CLIENTS)
    under = any(now[name] < had[name] for name in (*_CLIENTS, *_SUMS))
    stopped = live["state"] == "STOPPED"
    pause = stopped and known.get("state") in _OPEN and not (live["stats"] or {}).get("stopped")
    if not (over or under or pause):
        return None
    counts = {name: max(had[name], min(now[name], members)) for name in _CLIENTS}
    sums = {name: had[name] if over else max(had[name], now[name]) for name in _SUMS}
    asked = known.get("start_request")
    request = asked if isinstance(asked, dict) else {}
    return known | {
        "state": "STOPPED" if stopped and not pause else "PAUSED",
        "hunt_description": live["hunt_description"],
        "tags": live["tags"],
        "expires": live["expires"],
        "stats": _stats(known) | counts | sums | {"stopped": stopped and not pause},
        # A summary leaves the request as it is on the disk (read in its source, and seen).
        "start_request": {
            "creator": request.get("creator") or "",
            "artifacts": request.get("artifacts") or [],
            "summary": True,
        },
    }


def _captured(context: Context, org: str, archives: Sequence[Archive]) -> dict[str, Row]:
    """Hunt → its record, from the newest backup and from its own archive; the higher counts."""
    found = _backed(context, org)
    for one in archives:
        if one.kind == "hunt":
            record = hunt_record(context.fetch(one.file))
            backed = _numbers(found.get(one.hunt_id, {}))
            own = _numbers(record)
            found[one.hunt_id] = record | {
                "stats": _stats(record) | {name: max(own[name], backed[name]) for name in own}
            }
    return found


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
    had, now = _numbers(record), _numbers(live)
    return any(now[name] > had[name] for name in _CLIENTS)


def _members(context: Context, org: str, hunts: Iterable[Row]) -> dict[str, int]:
    found: dict[str, int] = {}
    for some in chunks([{"Hunt": hunt["hunt_id"]} for hunt in hunts], AT_ONCE):
        env = {"Hunts": json.dumps(some)}
        rows = context.api().query(_MEMBERS, env=env, org=org, timeout=3600)
        found |= {row["Hunt"]: int(row["Members"]) for row in rows}
    return found


def _numbers(hunt: Mapping[str, Any]) -> dict[str, int]:
    """Its counts; a file has 64 bits as text, and what is no number counts as none."""
    said = {name: str(_stats(hunt).get(name)) for name in (*_CLIENTS, *_SUMS)}
    return {name: int(text) if _NUMBER.fullmatch(text) else 0 for name, text in said.items()}


def _stats(hunt: Mapping[str, Any]) -> dict[str, Any]:
    """Its counts as they are; a file that anybody may have made can hold anything there."""
    stats = hunt.get("stats")
    return stats if isinstance(stats, dict) else {}
