"""Step: the collection archives into the server, each once, whoever imports it.

The server itself is the ledger: an import keeps the flow's and the hunt's own id where that
id isn't taken (read in its source, and tried), so what is there already is known by its id,
after a kill at any point. Client ids are always explicit. Flows come first, one by one;
then hunts, without their flows, which are added to them by id.
"""

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence

from recovery.errors import BadInputError
from recovery.restore.check_point import check_zip
from recovery.restore.context import Context
from recovery.restore.import_flows import Parcel, import_parcels
from recovery.restore.import_hunts import import_hunts
from recovery.restore.step import Report
from recovery.vault.manifest import Archive
from recovery.velociraptor.archive_file import flow_for_import, flows_inside

_BATCH_FILES = 200
_BATCH_BYTES = 256 << 20
_EXISTING = """
SELECT client_id AS Client, session_id AS Flow
FROM foreach(row={SELECT client_id FROM clients()},
             query={SELECT client_id, session_id FROM flows(client_id=client_id)})
"""


class Tally:
    """What has become of the archives so far, in numbers and names."""

    def __init__(self, total: int, context: Context) -> None:
        self.total, self.imported, self.there = total, 0, 0
        self.findings: list[str] = []
        self._context, self._start = context, time.monotonic()

    def say(self) -> None:
        done = self.imported + self.there + len(self.findings)
        rate = self.imported / max(time.monotonic() - self._start, 0.001)
        left = (self.total - done) / rate if rate else 0
        self._context.say(
            f"import {done}/{self.total} flows · {rate:.0f}/s · {left:.0f} s left · "
            f"{self.there} skipped (already there)"
        )


def import_archives(context: Context) -> Report:
    """Imports what isn't there yet; damaged archives are named, the others go on."""
    if not context.wants("collections"):
        return Report("the strategy asks for no archives", skipped=True)
    by_org: dict[str, list[Archive]] = defaultdict(list)
    for archive in context.manifest.archives:
        if _is_wanted(context, archive):
            by_org[archive.org].append(archive)
    flows = sum(archive.kind == "flow" for archives in by_org.values() for archive in archives)
    tally = Tally(flows, context)
    hunts = 0
    for org, archives in by_org.items():
        rows = context.api().query(_EXISTING, org=org)
        existing = {(row["Client"], row["Flow"]) for row in rows}
        for batch in _batches(_parcels(context, archives, existing, tally)):
            tally.imported += import_parcels(context, org, batch, tally.findings)
            tally.say()
        hunts += import_hunts(context, org, archives, tally.findings)
    return Report(
        f"{tally.imported} flows imported, {tally.there} were there already, {hunts} hunts",
        tally.findings,
    )


def _is_wanted(context: Context, archive: Archive) -> bool:
    """By org, and for flows by the time they were last active."""
    since = context.request.flows_since
    too_old = since is not None and archive.active_at is not None and archive.active_at < since
    return context.wants_org(archive.org) and not too_old


def _parcels(
    context: Context, archives: Sequence[Archive], existing: set[tuple[str, str]], tally: Tally
) -> Iterator[Parcel]:
    """Every flow that isn't on the server yet, as a file ready for import."""
    for archive in sorted(archives, key=lambda item: item.kind):
        try:
            if archive.kind == "flow":
                if (archive.client_id, archive.flow_id) in existing:
                    tally.there += 1
                    continue
                path = context.fetch(archive.file)
                check_zip(path, archive.file.name)
                existing.add((archive.client_id, archive.flow_id))
                into = context.folder / f"{archive.file.sha256}.flow"
                yield Parcel(
                    archive.client_id,
                    archive.flow_id,
                    archive.hostname,
                    flow_for_import(path, into),
                    archive.rows,
                )
                path.unlink()
            else:
                yield from _from_hunt(context, archive, existing)
        except BadInputError as damaged:
            tally.findings.append(f"{archive.org}: not imported: {damaged.message}")


def _from_hunt(
    context: Context, archive: Archive, existing: set[tuple[str, str]]
) -> Iterator[Parcel]:
    """Flows that only the hunt's own archive holds."""
    path = context.fetch(archive.file)
    check_zip(path, archive.file.name)
    for number, flow in enumerate(flows_inside(path)):
        if (flow.client_id, flow.flow_id) in existing:
            continue
        existing.add((flow.client_id, flow.flow_id))
        into = context.folder / f"{archive.file.sha256}.{number}.flow"
        file = flow_for_import(path, into, flow.folder)
        yield Parcel(flow.client_id, flow.flow_id, flow.hostname, file, None)


def _batches(parcels: Iterator[Parcel]) -> Iterator[list[Parcel]]:
    """At most so many files, and so many bytes, at a time: the memory and disk stay flat."""
    batch: list[Parcel] = []
    size = 0
    for parcel in parcels:
        batch.append(parcel)
        size += parcel.file.stat().st_size
        if len(batch) >= _BATCH_FILES or size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
