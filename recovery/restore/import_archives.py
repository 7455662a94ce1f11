"""Step: the collection archives into the server, each once, whoever imports it.

The server itself knows what is there: an import keeps the flow's and the hunt's own id where
that id isn't taken (docs/adr/0005). The ledger on the machine knows what was begun and not
seen through; such a flow is taken away and imported anew. Flows come first, one by one; then
hunts, without their flows, which are added to them by id.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

from recovery.counts import things
from recovery.errors import BadInputError, RecoveryError, VaultError
from recovery.restore.archived_hunts import ArchivedHunt, parcels_of_hunt
from recovery.restore.batches import batches
from recovery.restore.context import Context
from recovery.restore.delete_flows import Place, delete_flows
from recovery.restore.hunts_before import HuntsBefore
from recovery.restore.import_flows import import_parcels, remove_inbox
from recovery.restore.import_hunts import import_hunts
from recovery.restore.lanes import in_lanes
from recovery.restore.mark_took_part import mark_took_part
from recovery.restore.parcel import Parcel, parcel_of_flow
from recovery.restore.restore_backup import ORGS, create_orgs, orgs_with_records
from recovery.restore.room import full_disks
from recovery.restore.settle_hunts import Brought, settle_hunts
from recovery.restore.step import Report
from recovery.restore.tally import Tally
from recovery.restore.what_is_there import settle_unfinished, there_in_part, what_is_there
from recovery.vault.manifest import Archive
from recovery.velociraptor.api import ROOT
from recovery.velociraptor.archive_file import hunt_of_flow

STEP = "import the archives"


def import_archives(context: Context) -> Report:
    """Imports what isn't there yet; damaged archives are named, the others go on."""
    if not context.wants("collections"):
        return Report("the strategy asks for no archives", skipped=True)
    by_org: dict[str, list[Archive]] = defaultdict(list)
    for archive in context.manifest.archives:
        if context.choice.archive(archive):
            by_org[archive.org].append(archive)
    flows = sum(archive.kind == "flow" for archives in by_org.values() for archive in archives)
    tally = Tally(flows, context.say)
    settle_unfinished(context)
    have = _orgs(context, list(by_org), tally)
    tally.findings += [
        f"{org}: this server has no such org: {things(len(found), 'archive')} not imported"
        for org, found in by_org.items()
        if org not in have
    ]
    try:
        brought = [
            _import_org(context, org, found, tally) for org, found in by_org.items() if org in have
        ]
    finally:
        context.inbox.close()
        with suppress(RecoveryError):
            remove_inbox(context, by_org)
    tally.findings += settle_hunts(context, brought)
    if not context.wants("state"):  # which has of everybody who took part
        tally.findings += [line for one in brought for line in _mark(context, one)]
    if tally.refused and not tally.imported and not tally.there:
        tally.raise_if_vault_is_gone()
    if tally.short:
        tally.findings[:0] = full_disks(context)
    context.ledger.believe()
    context.journal.note_wanted(STEP)
    return Report(
        f"{things(tally.imported, 'flow')} imported, "
        f"{tally.there} there already, {things(sum(one.there for one in brought), 'hunt')}"
        + (f"; {things(tally.short, 'flow')} not whole" if tally.short else ""),
        tally.findings,
    )


def _orgs(context: Context, wanted: Sequence[str], tally: Tally) -> set[str]:
    """The orgs that the server has; one that no record and no backup brings back is made here."""
    if not wanted:
        return set()
    have = {ROOT, *(row["OrgId"] for row in context.api().query(ORGS))}
    missing = [org for org in wanted if org not in have]
    known = orgs_with_records(context) if missing else set()
    if lost := [org for org in missing if org not in known]:
        tally.findings += create_orgs(context, lost)
    return have | set(lost)


def _import_org(context: Context, org: str, archives: Sequence[Archive], tally: Tally) -> Brought:
    """One org's flows, then its hunts."""
    there = what_is_there(context, org)
    own = {(flow.client_id, flow.flow_id) for flow in archives if flow.kind == "flow"}
    _tell_again(org, own, there, tally)
    hunts: dict[str, ArchivedHunt] = {}
    parcels = _parcels(context, archives, set(there), tally, hunts)
    before = HuntsBefore(context, org, archives)
    partial: list[Parcel] = []

    def import_batch(lane: int, batch: list[Parcel]) -> None:
        context.still_held()  # hours may lie between two batches
        whole, missing, short = _sort(context, org, batch)
        partial.extend(short)
        before.touch(hunt_of_flow(parcel.flow_id) for parcel in missing)
        arrived = import_parcels(context, org, missing, tally.findings, lane)
        tally.add(arrived, whole, len(missing))

    # From one flow that was imported the others know where this server keeps them
    # (flow_records). The second batch is brought meanwhile, and asked for by id.
    in_lanes(batches(parcels, one_first=True), import_batch, before_one_ended=2)
    _tell_again(org, {place for hunt in hunts.values() for place in hunt.flows} - own, there, tally)
    for batch in batches(partial):
        context.still_held()
        # Last and alone: a server forgets flows that are written while it deletes others.
        before.touch(hunt_of_flow(parcel.flow_id) for parcel in batch)
        # Noted first: a kill after it leaves lists of flows that are to be made anew.
        context.ledger.begin((org, *parcel.place) for parcel in batch)
        delete_flows(context, org, [parcel.place for parcel in batch])
        tally.add(import_parcels(context, org, batch, tally.findings), 0, len(batch))
    usable = [archive for archive in archives if archive.file.sha256 not in tally.refused]
    count = import_hunts(context, org, hunts, usable, tally.findings, before)
    return Brought(org, hunts, usable, before, count)


def _tell_again(org: str, places: set[Place], there: Mapping[Place, str], tally: Tally) -> None:
    """Flows that an earlier run brought are counted, and what was short of them is a finding."""
    for place in sorted(places & there.keys()):
        tally.there += 1
        if there[place]:
            tally.findings.append(f"{org}: {' '.join(place)}: {there[place]}")


def _mark(context: Context, one: Brought) -> list[str]:
    """What came back is there, whether or not it can be noted who took part."""
    try:
        mark_took_part(context, one.org, one.hunts, one.usable)
    except RecoveryError as refused:
        said = f"{one.org}: not noted who took part in which hunt: {refused.message}"
        return [f"{said}; there released hunts would run again (the same command tries again)"]
    return []


def _parcels(
    context: Context,
    archives: Sequence[Archive],
    there: set[Place],
    tally: Tally,
    hunts: dict[str, ArchivedHunt],
) -> Iterator[Parcel]:
    """Every flow that isn't known to be on the server whole, as a file ready for import.

    Each hunt whose archive was read is in ``hunts`` afterwards.
    """
    taken = set(there)  # no archive's flow twice, in a flow's archive and in its hunt's
    for archive in sorted(archives, key=lambda item: item.kind):
        try:
            if archive.kind == "flow":
                place = (archive.client_id, archive.flow_id)
                if place not in taken:
                    parcel = parcel_of_flow(context, archive)
                    taken.add(place)
                    yield parcel
            else:
                yield from parcels_of_hunt(context, archive, taken, hunts, tally.expect)
        except (BadInputError, VaultError) as damaged:
            tally.refuse(archive, damaged)


def _sort(
    context: Context, org: str, batch: Sequence[Parcel]
) -> tuple[int, list[Parcel], list[Parcel]]:
    """How many of a batch are there whole; which are not there; which are there in part."""
    whole, partial = there_in_part(context, org, batch)
    for parcel in batch:
        if parcel.place in whole:
            parcel.drop()
    missing = [parcel for parcel in batch if parcel.place not in whole | partial]
    return len(whole), missing, [parcel for parcel in batch if parcel.place in partial]
