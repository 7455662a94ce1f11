"""A batch of flows into one org: files to the machine, one query, everything counted afterwards."""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from recovery.restore.alike_uploads import place_alike
from recovery.restore.call_restore import place_of
from recovery.restore.context import Context
from recovery.restore.count_imported import count_once_written
from recovery.restore.flow_records import believe_records
from recovery.restore.inbox import IN_MEMORY, INBOX
from recovery.restore.ledger import Key
from recovery.restore.parcel import Parcel
from recovery.restore.room import full_disks
from recovery.restore.send_files import send_files
from recovery.velociraptor.api import Row

# Two at a time: a third of a server's time for one import is waiting (measured); four are slower.
_IMPORT = """
SELECT * FROM foreach(row=parse_json_array(data=Parcels), workers=2, query={
  SELECT Client, Flow, import_collection(
      filename=File, client_id=Client, hostname=Host, import_type="collector") AS Got
  FROM scope()
})
"""
_ABSENT = re.compile(
    r'NotFoundError: \{"DelegatePath":"[^"]*?(?P<file>[^"/]+)","Path":"/(?P<member>[^"]+)"'
)
_TELLING = ("import_flow:", "import_collection: Error", "ERROR")


def import_parcels(
    context: Context, org: str, parcels: Sequence[Parcel], findings: list[str], lane: int = 0
) -> int:
    """Imports a batch; how many arrived whole. What didn't is added to ``findings``.

    ``lane``: which of the inboxes it goes through; batches side by side have one each.

    The ledger has each as begun before the first is imported, and as done once it is counted:
    a kill in between leaves it known as unfinished. Raises
    :class:`recovery.errors.RecoveryError` when the machine or the server stops answering.
    """
    if not parcels:
        return 0
    named = {f"{number}.zip": parcel for number, parcel in enumerate(parcels)}
    keys = [(org, *parcel.place) for parcel in parcels]
    noted = context.beside.submit(context.ledger.begin, keys)
    try:
        inbox = send_files(context, {name: one.open for name, one in named.items()}, lane)
    finally:
        noted.result()
    items = [
        {
            "Client": parcel.client_id,
            "Flow": parcel.flow_id,
            "Host": parcel.hostname,
            "File": f"{inbox}/{name}",
        }
        for name, parcel in named.items()
    ]
    rows: list[Row] = []
    log: list[str] = []
    with context.importing:  # one batch after the other: each keeps the server busy
        met = {client for there, client in context.met if there == org}
        for wave in waves(items, met):
            asked = {"Parcels": json.dumps(wave)}
            answer = context.api().ask(_IMPORT, env=asked, org=org, timeout=3600)
            rows += answer.rows
            log += answer.log
            met |= {row["Client"] for row in answer.rows if row["Got"]}
        context.met |= {(org, client) for client in met}
    got = {(row["Client"], row["Flow"]): row["Got"] or {} for row in rows}
    findings += [f"{org}: {line}" for line in told(log, named)]
    confused = {
        parcel.place: place_alike(context, org, parcel)
        for parcel in parcels
        if not _arrival(parcel, got.get(parcel.place, {}))
    }
    counted = count_once_written(context, org, parcels)
    done: dict[Key, str] = {}
    refused: list[Key] = []
    for parcel in parcels:
        astray = _arrival(parcel, got.get(parcel.place, {}))
        trouble = astray or counted.trouble(parcel) or confused[parcel.place]
        if trouble:
            findings.append(f"{org}: {parcel.client_id} {parcel.flow_id}: {trouble}")
        if not astray:
            # What is short now is short in the server's hands: again wouldn't change it.
            done[org, *parcel.place] = trouble
        elif parcel.place in got:  # else nothing tells that its import has ended
            refused.append((org, *parcel.place))
        parcel.drop()
    if any(done.values()) and full_disks(context):
        # Short for lack of space: known as unfinished, so that they are imported anew.
        done = {key: trouble for key, trouble in done.items() if not trouble}
    context.ledger.finish(done)
    context.ledger.refuse(refused)
    believe_records(context, org, [(client, flow) for _, client, flow in done])
    return sum(not trouble for trouble in done.values())


def waves(items: Sequence[Row], met: Collection[str]) -> Iterator[list[Row]]:
    """One flow of each client that isn't ``met`` yet first, then the others.

    An import makes the record of a client that the server doesn't know; of two at once, one
    would fail (read in the server's source). ``met`` is asked again after each wave: a client whose
    first flow was refused isn't known yet.
    """
    left = list(items)
    while firsts := {item["Client"]: item for item in reversed(left) if item["Client"] not in met}:
        yield list(firsts.values())
        left = [item for item in left if item is not firsts.get(item["Client"])]
    if left:
        yield left


def told(log: Sequence[str], named: Mapping[str, Parcel]) -> list[str]:
    """The server's complaints, a line each; what an archive hasn't got in one line a flow. Pure.

    ``named``: the batch by its files' names on the machine. An archive that is known to lack
    something was named before the recovery began.
    """
    absent: dict[str, list[str]] = {}
    lines = []
    for line in log:
        if (match := _ABSENT.search(line)) and match["file"] in named:
            absent.setdefault(match["file"], []).append(match["member"])
        elif any(mark in line for mark in _TELLING):
            lines.append(f"import: {line}")
    for file, members in absent.items():
        parcel = named[file]
        if not parcel.lacks:
            lines.append(f"{' '.join(parcel.place)}: its archive has no {', '.join(members)}")
    return lines


def _arrival(parcel: Parcel, got: dict[str, object]) -> str:
    """Why this flow didn't arrive under its own ids; empty when it did."""
    if not got:
        return "the server did not take it"
    if (got.get("client_id"), got.get("session_id")) != parcel.place:
        return f"it arrived as {got.get('client_id')} {got.get('session_id')}"
    return ""


def remove_inbox(context: Context, orgs: Iterable[str]) -> None:
    """Nothing of the archives stays beside the server's own copy, nor what a kill left there."""
    context.target.run(["rm", "-rf", INBOX, IN_MEMORY, *(place_of(context, org) for org in orgs)])
