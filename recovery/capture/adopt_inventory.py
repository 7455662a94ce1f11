"""What old backups and exports hold, counted: what a recovery from them is held to."""

import re
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from recovery.capture.check_zip import ZipContent
from recovery.capture.found import Found, FoundBackup, FoundFlow, FoundHunt
from recovery.vault.check_names import org_of_client
from recovery.vault.manifest import FlowRecord
from recovery.velociraptor import inventory_entries as entries
from recovery.velociraptor.archive_file import active_time, hunt_of_flow
from recovery.velociraptor.backup_entries import backup_entries, hunt_as_asked
from recovery.velociraptor.backup_file import read_rows
from recovery.velociraptor.config import ServerConfig
from recovery.velociraptor.inventory import ITEMS, Entries, Inventory, digest

Row = Mapping[str, Any]
_ROOT = "root"
_STATES = {2: "FINISHED", 3: "ERROR"}
_RUNNING = (2, "RUNNING")
_NUMBER = re.compile(r"[0-9]{1,18}")
_ENDED = (*_STATES, *_STATES.values())


def adopted_inventory(
    found: Found,
    backups: Mapping[str, FoundBackup],
    config: ServerConfig,
    nonces: Mapping[str, str],
    names: Mapping[str, str],
) -> Inventory:
    """Counts backups (org → the one chosen for it) and exports; what is in neither stays empty."""
    orgs = sorted(
        {
            _ROOT,
            *backups,
            *nonces,
            *(flow.org for flow in found.flows),
            *(hunt_org(hunt, backups) for hunt in found.hunts),
        },
        key=lambda org: (org != _ROOT, org),
    )
    items: dict[str, dict[str, Entries]] = {org: {item: {} for item in ITEMS} for org in orgs}
    for org, backup in backups.items():
        with zipfile.ZipFile(backup.path) as archive:
            items[org] |= backup_entries(archive, org)
        items[_ROOT]["users"] |= {name: digest(name) for name in items[org]["acls"]}
    items[_ROOT]["orgs"] = {org: digest([names.get(org, org), nonces.get(org, "")]) for org in orgs}
    items[_ROOT]["orgs"][_ROOT] = digest(["<root>", str(config.values["Client"]["nonce"])])
    for flow in found.flows:
        _add_flow(items[flow.org], flow)
    for hunt in found.hunts:
        _add_hunt(items[hunt_org(hunt, backups)], hunt)
    return Inventory(orgs=items)


def hunt_org(hunt: FoundHunt, backups: Mapping[str, FoundBackup]) -> str:
    """The root org where nothing tells it."""
    return told_org(hunt, backups) or _ROOT


def told_org(hunt: FoundHunt, backups: Mapping[str, FoundBackup]) -> str:
    """By its flows' clients, by its folder or an index, else by the backup that lists it."""
    own = {org_of_client(str(member.get("client_id", ""))) for member in hunt.members[:1]}
    if told := (own - {_ROOT}) or {hunt.folder_org} - {""} or own:
        return told.pop()
    ident = hunt.info.get("hunt_id")
    listed = [org for org, known in hunts_in(backups) if known == ident]
    return listed[0] if len(listed) == 1 else ""


def hunts_in(backups: Mapping[str, FoundBackup]) -> list[tuple[str, str]]:
    """``(org, hunt id)`` of every hunt in the backups."""
    listed = []
    for org, backup in backups.items():
        with zipfile.ZipFile(backup.path) as archive:
            rows = read_rows(archive, f"orgs/{org}/hunts.json")
        listed += [(org, str(row["hunt_id"])) for row in rows if row.get("hunt_id")]
    return listed


def lacking_inside(content: ZipContent, contexts: Sequence[Row]) -> str:
    """What an export lacks of what its own records and lists say; empty when it has all. Pure.

    A flow that was still running when it was exported says nothing of its rows.
    """
    ended = all(context.get("state") in _ENDED for context in contexts)
    said = [str(context.get("total_collected_rows") or "") for context in contexts]
    rows = sum(int(number) for number in said if _NUMBER.fullmatch(number)) if ended else 0
    if content.rows < rows and content.only_csv:
        return f"{content.rows} of {rows} rows, the rest as CSV only, which no server imports"
    if content.rows < rows:
        return f"{content.rows} of {rows} rows"
    if content.upload_bytes < content.listed_bytes:
        return f"{content.upload_bytes} of {content.listed_bytes} bytes of uploads"
    return ""


def lacks_clients(hunt: FoundHunt, org: str, flows: Sequence[FoundFlow]) -> str:
    """The clients of a hunt whose flows are in no export, its own nor theirs; empty for none. Pure.

    An export of the combined results alone has none. Of a running hunt, nothing tells the new
    server that those clients took part.
    """
    ident, stats = str(hunt.info.get("hunt_id")), hunt.info.get("stats")
    said = str(stats.get("total_clients_scheduled")) if isinstance(stats, dict) else ""
    clients = int(said) if _NUMBER.fullmatch(said) else 0
    have = {str(member.get("client_id")) for member in hunt.members}
    have |= {
        str(flow.context["client_id"])
        for flow in flows
        if flow.org == org and hunt_of_flow(str(flow.context["session_id"])) == ident
    }
    if clients <= max(len(have), len(hunt.members)):  # one that ran on a client twice counts twice
        return ""
    again = "; the others run it again if it is released"
    return f"{org}: {ident}: there are the flows of {len(have)} of its {clients} clients" + (
        again if hunt.info.get("state") in _RUNNING else ""
    )


def _flow(context: Row) -> Entries:
    where = {"Client": context["client_id"], "session_id": context["session_id"]}
    state = _STATES.get(context.get("state"), context.get("state"))  # type: ignore[arg-type]
    row = {"artifacts_with_results": None, "total_collected_rows": 0, **context, **where}
    return entries.flows([{**row, "state": state}])


def _add_flow(items: dict[str, Entries], flow: FoundFlow) -> None:
    items["flows"] |= _flow(flow.context)
    begin = f"{flow.context['client_id']}/{flow.context['session_id']}"
    items["uploads"] |= {
        f"{begin}/{'/'.join(upload['_Components'][1:])}": str(upload.get("uploaded_size") or 0)
        for upload in flow.uploads
        if upload.get("_Components")
    }


def _add_hunt(items: dict[str, Entries], hunt: FoundHunt) -> None:
    ident = str(hunt.info["hunt_id"])
    hunts, parameters = entries.hunts([hunt_as_asked(hunt.info)])
    items["hunts"] = hunts | items["hunts"]
    items["hunt_parameters"] |= parameters
    for member in _members(hunt):
        with suppress(ValueError, TypeError):  # what can't be counted is seen at the import
            for key, value in _flow(member).items():
                items["flows"].setdefault(key, value)  # its own export comes first
    items["hunt_results"] |= entries.hunt_results(
        {"HuntId": ident, "ClientId": member["client_id"], "FlowId": member["session_id"]}
        for member in _members(hunt)
    )


def _members(hunt: FoundHunt) -> list[Row]:
    return [row for row in hunt.members if row.get("client_id") and row.get("session_id")]


def records_of_hunts(
    found: Found, backups: Mapping[str, FoundBackup]
) -> dict[str, dict[str, FlowRecord]]:
    """Org → ``client/flow`` → what hunts' exports say of their flows: when each was active.

    Without a stamp, so that no capture takes them for its own.
    """
    records: dict[str, dict[str, FlowRecord]] = {}
    for hunt in found.hunts:
        org = hunt_org(hunt, backups)
        for member in _members(hunt):
            with suppress(ValueError):
                if at := active_time(member):
                    key = f"{member['client_id']}/{member['session_id']}"
                    micros = round(at.timestamp() * 1e6)
                    record = FlowRecord("", "", "", micros, 0, 0, [], "")
                    records.setdefault(org, {})[key] = record
    return records
