"""Hunts whose flows were imported: paused, and with the counts that they had.

Why they have others: :mod:`recovery.restore.hunt_counts`. Only hunts that an import touched are
looked at.
"""

import time
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from recovery.counts import things
from recovery.errors import BadInputError, RecoveryError, VaultError
from recovery.restore.archived_hunts import ArchivedHunt
from recovery.restore.backup_sources import newest_backups
from recovery.restore.call_restore import call_restore
from recovery.restore.context import Context
from recovery.restore.hunt_counts import (
    STILL,
    more_clients,
    numbers,
    settled,
    stats_of,
    too_high,
    with_counts,
)
from recovery.restore.hunts_before import HuntsBefore
from recovery.restore.import_hunts import forget_list
from recovery.restore.restore_backup import restorable
from recovery.vault.manifest import Archive
from recovery.velociraptor.api import Row
from recovery.velociraptor.archive_file import hunt_record
from recovery.velociraptor.backup_file import read_rows, write_hunts
from recovery.velociraptor.portions import ask_in_portions

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
_PAUSE = 0.5
"""A server counts a little later than it imports: two looks at the same are waited for."""
_PATIENCE, _AT_MOST = 10, 300
"""Seconds: without any change, and in all."""
_NAMES = 5
_LOOKS = 6


class Brought(NamedTuple):
    """The archives of one org that were imported."""

    org: str
    hunts: Mapping[str, ArchivedHunt]
    usable: Sequence[Archive]
    before: HuntsBefore
    there: int
    """Its hunts that the server has."""


def settle_hunts(context: Context, brought: Sequence[Brought]) -> list[str]:
    """Hunts that don't run have the counts that they had, where an import changed them.

    All orgs are waited for at once. What can't be put right is a finding: a recovery doesn't end
    over counts. The next run of it tries again.
    """
    touched = [one for one in brought if one.before.touched]
    known = [_known_or_why(context, one) for one in touched]  # one by one: they share backups
    settled = context.beside.map(lambda one, how: _settle_org(context, one, how), touched, known)
    return [line for lines in settled for line in lines]


def _known_or_why(context: Context, one: Brought) -> dict[str, Row] | RecoveryError:
    try:
        return _known(context, one.org, one.hunts, one.before)
    except RecoveryError as refused:
        return refused


def _settle_org(context: Context, one: Brought, known: dict[str, Row] | RecoveryError) -> list[str]:
    org, before = one.org, one.before
    try:
        if isinstance(known, RecoveryError):
            raise known
        wrong = _settle(context, org, known, before)
        if not wrong:
            before.close()
            return _too_high(context, org, known)
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
        live = [row for row in rows if row["hunt_id"] in known and row["state"] in STILL]
        now = time.monotonic()
        if live == last:
            wrong = _wrong(context, org, live, known)
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


def _too_high(context: Context, org: str, known: Mapping[str, Row]) -> list[str]:
    """Of hunts that run: by how much they count too many."""
    last: list[Row] | None = None
    for _ in range(_LOOKS):
        rows = context.api().query(_LIVE, org=org)
        running = [row for row in rows if row["hunt_id"] in known and row["state"] not in STILL]
        if running in (last, []):
            break
        last = running
        time.sleep(_PAUSE)
    more = [row for row in running if more_clients(row, known[row["hunt_id"]])]
    members = _members(context, org, [row["hunt_id"] for row in more])
    found = {
        row["hunt_id"]: too_high(known[row["hunt_id"]], row, members.get(row["hunt_id"], 0))
        for row in more
    }
    return [
        f"{org}: the hunt {hunt} runs, and counts {things(count, 'client')} too many: flows of it "
        "that were deleted came back, and of a hunt that runs no count is written"
        for hunt, count in found.items()
        if count > 0
    ]


def _wrong(context: Context, org: str, live: Sequence[Row], known: Mapping[str, Row]) -> list[Row]:
    """Of hunts that we know and that don't run: those to be written, as they are to be."""
    more = [row["hunt_id"] for row in live if more_clients(row, known[row["hunt_id"]])]
    members = _members(context, org, more)
    return [
        fixed
        for row in live
        if (fixed := settled(known[row["hunt_id"]], row, members.get(row["hunt_id"], 0)))
    ]


def _write(context: Context, org: str, wrong: Sequence[Row], before: HuntsBefore) -> None:
    """Writes hunts anew; of those that the server knew before, all but counts stays as it is."""
    theirs = {row["hunt_id"]: row for row in wrong if before.counts(row["hunt_id"]) is not None}
    rows = [row for row in wrong if row["hunt_id"] not in theirs]
    asked = ({"Hunt": hunt} for hunt in theirs)
    rows += [
        with_counts(whole, theirs[whole["hunt_id"]])
        for whole in ask_in_portions(context.api(), _WHOLE, "Hunts", asked, org)
    ]
    file = write_hunts(context.folder / f"settled-{org}.zip", org, rows)
    call_restore(context, org, file, ["Hunt"])
    forget_list(context, org)


def _known(
    context: Context, org: str, hunts: Mapping[str, ArchivedHunt], before: HuntsBefore
) -> dict[str, Row]:
    """Each touched hunt as it is to be: as it was before, or else as it was captured.

    Counts only grow: of two sources of one time the higher is the newer. A state that was placed
    may be some seconds older than the backup beside it; another point's backup, older or of
    another server's life, has no say over what the server knew.
    """
    backed = _backed(context, org)
    placed = backed if context.wants("state") or context.wants("backup") else {}
    found: dict[str, Row] = {}
    for hunt in before.touched:
        had = before.counts(hunt)
        if had is not None:
            found[hunt] = {"hunt_id": hunt, "stats": _higher(had, placed.get(hunt, {}))}
        elif hunt in hunts:
            record = hunt_record(hunts[hunt].file)
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


def _members(context: Context, org: str, hunts: Iterable[str]) -> dict[str, int]:
    asked = ({"Hunt": hunt} for hunt in hunts)
    rows = ask_in_portions(context.api(), _MEMBERS, "Hunts", asked, org)
    return {row["Hunt"]: int(row["Members"]) for row in rows}
