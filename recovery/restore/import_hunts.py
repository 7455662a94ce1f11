"""Hunts out of their archives, where no state brought them; and their flows, by id."""

import json
from collections.abc import Collection, Sequence

from recovery.restore.batches import chunks
from recovery.restore.context import Context
from recovery.restore.hunts_before import HuntsBefore
from recovery.restore.import_flows import INBOX
from recovery.restore.journal import FOLDER
from recovery.restore.parcel import flows_of_hunt
from recovery.vault.manifest import Archive
from recovery.velociraptor.api import ROOT
from recovery.velociraptor.archive_file import hunt_for_import, hunt_of_flow
from recovery.velociraptor.config import OWNER

_HUNTS = "SELECT hunt_id AS Hunt FROM hunts()"
_IMPORT = """
SELECT import_collection(filename=File, import_type="hunt").hunt_id AS Hunt FROM scope()
"""
_MEMBERS = """
SELECT * FROM foreach(row=parse_json_array(data=Hunts), query={
  SELECT HuntId AS Hunt, ClientId AS Client, FlowId AS Flow
  FROM hunt_flows(hunt_id=_value, basic_info=TRUE)
})
"""
_ADD = """
SELECT hunt_add(hunt_id=Hunt, client_id=Client, flow_id=Flow) AS Added
FROM foreach(row=parse_json_array(data=Members))
"""
Member = tuple[str, str, str]
"""(hunt, client, flow)."""
AT_ONCE = 2000
"""A server takes requests up to 4 MiB (gRPC's default in Go)."""


def import_hunts(
    context: Context,
    org: str,
    archives: Sequence[Archive],
    findings: list[str],
    before: HuntsBefore,
) -> int:
    """Every archived hunt of ``org`` is there with its flows; how many. Losses are findings."""
    hunts = {archive.hunt_id: archive for archive in archives if archive.kind == "hunt"}
    flows = [archive for archive in archives if hunt_of_flow(archive.flow_id)]
    if not hunts and not flows:
        return 0
    have = {row["Hunt"] for row in context.api().query(_HUNTS, org=org)}
    for hunt_id in [hunt_id for hunt_id in hunts if hunt_id not in have]:
        before.touch([hunt_id])
        if _import_hunt(context, org, hunts[hunt_id]):
            have.add(hunt_id)
        else:
            findings.append(f"{org}: the hunt {hunt_id} was not taken (are its artifacts there?)")
    there = [hunt_id for hunt_id in hunts if hunt_id in have]
    members = {
        (hunt_id, flow.client_id, flow.flow_id)
        for hunt_id in there
        for flow in flows_of_hunt(context, hunts[hunt_id])
    }
    # An export of a hunt with its results combined has none of its flows.
    members |= {
        (hunt, archive.client_id, archive.flow_id)
        for archive in flows
        if (hunt := hunt_of_flow(archive.flow_id)) in have
    }
    _add_members(context, org, members, before)
    forget_list(context, org)
    return len(there)


def forget_list(context: Context, org: str) -> None:
    """Takes the server's list of hunts off the disk, so that a crash now loses none from sight.

    The server writes it every ten minutes and at a clean stop, and believes it at a start; where
    it is missing it reads the hunts' own records, which are on disk already (read in its source).
    """
    inside = "" if org == ROOT else f"/orgs/{org}"
    index = f"{context.config.files}{inside}/hunts/index.json"
    context.target.run(["rm", "-f", index, f"{index}.index"])


def _import_hunt(context: Context, org: str, archive: Archive) -> bool:
    file = hunt_for_import(
        context.fetch(archive.file), context.folder / f"{archive.file.sha256}.hunt"
    )
    path = f"{INBOX}/{file.name}"
    context.target.run(["chmod", "711", FOLDER])
    context.target.run(["install", "-d", "-o", "root", "-g", OWNER, "-m", "750", INBOX])
    context.target.put(file, path, mode=0o640, owner=f"root:{OWNER}")
    try:
        rows = context.api().ask(_IMPORT, env={"File": path}, org=org).rows
    finally:
        file.unlink()
        context.target.run(["rm", "-rf", INBOX])
    return bool(rows) and rows[0]["Hunt"] == archive.hunt_id


def _add_members(
    context: Context, org: str, wanted: Collection[Member], before: HuntsBefore
) -> None:
    """Flows that archives name and their hunts don't list are assigned to them again."""
    have: set[Member] = set()
    for hunts in chunks(sorted({hunt for hunt, _, _ in wanted}), AT_ONCE):
        asked = {"Hunts": json.dumps([{"_value": hunt} for hunt in hunts])}
        rows = context.api().query(_MEMBERS, env=asked, org=org, timeout=3600)
        have |= {(row["Hunt"], row["Client"], row["Flow"]) for row in rows}
    for some in chunks(sorted(set(wanted) - have), AT_ONCE):
        members = [{"Hunt": hunt, "Client": client, "Flow": flow} for hunt, client, flow in some]
        before.touch(hunt for hunt, _, _ in some)
        env = {"Members": json.dumps(members)}
        context.api().query(_ADD, env=env, org=org, timeout=3600, min_rows=len(members))
