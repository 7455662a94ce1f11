"""Hunts out of their archives, where no state brought them; and their flows, by id.

What an archive says that a hunt's request is compiled to doesn't count: a server that takes a hunt
compiles it anew, of its own artifacts (read in its source, and tried with a changed archive).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from recovery.restore.archived_hunts import ArchivedHunt
from recovery.restore.context import Context
from recovery.restore.hunts_before import HuntsBefore
from recovery.restore.send_files import send_files
from recovery.restore.write_hunt import write_hunt
from recovery.vault.manifest import Archive
from recovery.velociraptor.api import ROOT
from recovery.velociraptor.archive_file import hunt_of_flow
from recovery.velociraptor.portions import ask_in_portions

_HUNTS = "SELECT hunt_id AS Hunt FROM hunts()"
_IMPORT = """
SELECT import_collection(filename=File, import_type="hunt").hunt_id AS Hunt FROM scope()
"""
_MEMBERS = """
SELECT * FROM foreach(row=parse_json_array(data=Hunts), query={
  SELECT HuntId AS Hunt, ClientId AS Client, FlowId AS Flow
  FROM hunt_flows(hunt_id=Hunt, basic_info=TRUE)
})
"""
_ADD = """
SELECT hunt_add(hunt_id=Hunt, client_id=Client, flow_id=Flow) AS Added
FROM foreach(row=parse_json_array(data=Members))
"""
Member = tuple[str, str, str]
"""(hunt, client, flow)."""


def import_hunts(
    context: Context,
    org: str,
    hunts: Mapping[str, ArchivedHunt],
    archives: Sequence[Archive],
    findings: list[str],
    before: HuntsBefore,
) -> int:
    """Every archived hunt of ``org`` that was chosen is there with its flows; how many.

    Losses are findings.

    ``archives``: those that could be read. A hunt that the server didn't know when the import
    began is asked for once more: another may have brought it since.
    """
    flows = [archive for archive in archives if hunt_of_flow(archive.flow_id)]
    if not hunts and not flows:
        return 0
    have = set(before.there)
    if hunts.keys() - have:
        have = {row["Hunt"] for row in context.api().query(_HUNTS, org=org)}
    wanted = [hunt_id for hunt_id in hunts if context.choice.hunt(hunt_id)]
    for hunt_id in [hunt_id for hunt_id in wanted if hunt_id not in have]:
        before.touch([hunt_id])
        file = hunts[hunt_id].file
        if _import_hunt(context, org, hunt_id, file) or write_hunt(context, org, hunt_id, file):
            have.add(hunt_id)
        else:
            findings.append(f"{org}: the hunt {hunt_id} was not taken by the server")
    there = [hunt_id for hunt_id in hunts if hunt_id in have]
    members = {(hunt_id, *place) for hunt_id in there for place in hunts[hunt_id].flows}
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


def _import_hunt(context: Context, org: str, hunt_id: str, file: Path) -> bool:
    inbox = send_files(context, {file.name: lambda: file.open("rb")}, lane=0)
    rows = context.api().ask(_IMPORT, env={"File": f"{inbox}/{file.name}"}, org=org).rows
    return bool(rows) and rows[0]["Hunt"] == hunt_id


def _add_members(context: Context, org: str, wanted: set[Member], before: HuntsBefore) -> None:
    """Flows that archives name and their hunts don't list are assigned to them again."""
    hunts = ({"Hunt": hunt} for hunt in sorted({hunt for hunt, _, _ in wanted}))
    rows = ask_in_portions(context.api(), _MEMBERS, "Hunts", hunts, org)
    missing = sorted(wanted.difference((row["Hunt"], row["Client"], row["Flow"]) for row in rows))
    before.touch(hunt for hunt, _, _ in missing)
    members = ({"Hunt": hunt, "Client": client, "Flow": flow} for hunt, client, flow in missing)
    for _ in ask_in_portions(context.api(), _ADD, "Members", members, org, each=True):
        pass
