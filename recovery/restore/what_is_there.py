"""Which flows are on the server already, and which of them only in part."""

import json
from collections import defaultdict
from collections.abc import Collection, Sequence

from recovery.counts import things
from recovery.restore.context import Context
from recovery.restore.count_imported import count_imported
from recovery.restore.delete_flows import Place, delete_flows
from recovery.restore.flow_records import maybe_there
from recovery.restore.parcel import Parcel
from recovery.restore.restore_backup import ORGS
from recovery.velociraptor.api import ROOT
from recovery.velociraptor.config import SERVICE
from recovery.velociraptor.portions import portions

# By id, not by a client's list of flows: the record is written before the list (read in the
# server's source), and an import asks for the record.
_EXISTING = """
SELECT * FROM foreach(row=parse_json_array(data=Flows), workers=4, query={
  SELECT client_id AS Client, session_id AS Flow
  FROM flows(client_id=Client, flow_id=Flow, summary=TRUE)
})
"""


def settle_unfinished(context: Context) -> None:
    """Ends an import that was cut off, and takes away what it left in part.

    Its query may still run on the server: the service is restarted, which ends it. Flows that
    were begun and not seen through are deleted; they are imported anew. So is what is left of those
    that the server has refused.
    """
    unfinished = context.ledger.unfinished
    if not (left := [*unfinished, *context.ledger.refused]):
        return
    if unfinished:
        context.say(
            f"an import was cut off: {things(len(unfinished), 'flow')} of it to be taken back first"
        )
        context.target.run(["systemctl", "restart", SERVICE], timeout=120)
        context.api().wait_ready(context.request.ready_timeout)
    by_org: dict[str, list[Place]] = defaultdict(list)
    for org, client, flow in left:
        by_org[org].append((client, flow))
    have = {ROOT, *(row["OrgId"] for row in context.api().query(ORGS))}
    for org, places in by_org.items():
        if org in have:  # with an org that was removed since, its flows are gone
            clients = {client for client, _ in places}
            delete_flows(context, org, _existing(context, org, places), clients)
    context.ledger.take_back(left)


def what_is_there(context: Context, org: str) -> dict[Place, str]:
    """The flows that the ledger and the server both know; what was short of each, or ``""``.

    None where the machine was started anew since: each is counted then, as if another had made it.
    """
    if context.ledger.is_doubtful:
        return {}
    done = context.ledger.finished(org)
    return {place: done[place] for place in _existing(context, org, done)}


def there_in_part(
    context: Context, org: str, parcels: Sequence[Parcel]
) -> tuple[set[Place], set[Place]]:
    """Of a batch: the flows that are there whole, whoever imported them, and those in part."""
    asked = maybe_there(context, org, [parcel.place for parcel in parcels])
    there = _existing(context, org, asked)
    found = [parcel for parcel in parcels if parcel.place in there]
    if not found:
        return set(), set()
    counted = count_imported(context, org, found, sizes=False)
    # What can't be counted, for lack of its artifact, is left as it is.
    partial = {
        parcel.place
        for parcel in found
        if (trouble := counted.trouble(parcel)) and "not counted" not in trouble
    }
    return there - partial, partial


def _existing(context: Context, org: str, places: Collection[Place]) -> set[Place]:
    found = set()
    for some in portions({"Client": client, "Flow": flow} for client, flow in sorted(places)):
        env = {"Flows": json.dumps(some)}
        rows = context.api().ask(_EXISTING, env=env, org=org, timeout=3600).rows
        found |= {(row["Client"], row["Flow"]) for row in rows}
    return found
