"""An org's flows: what an earlier capture knows of them, and the rest asked of the server.

A first capture has the server list them all. The next ones ask for those flows whose files on
the disk are new, changed or gone (see :mod:`recovery.capture.flow_stamps`), and for those that
had not ended; of all others the server would say what it said before.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from recovery.capture.collection import ENDED, Collection, flow_collection, recorded_collection
from recovery.errors import ServerError
from recovery.vault.manifest import FlowRecord, Manifest
from recovery.velociraptor import inventory_entries as entries
from recovery.velociraptor.api import Api, Row
from recovery.velociraptor.inventory import Entries
from recovery.velociraptor.take_inventory import count_rows, count_uploads

_HOSTS = "SELECT client_id AS Client, os_info.hostname AS Host FROM clients()"
_COLUMNS = (
    "session_id, state, create_time, active_time, total_collected_rows, total_uploaded_files, "
    "total_uploaded_bytes, artifacts_with_results, request.artifacts AS artifacts"
)
_ALL = (
    "SELECT * FROM foreach(row={SELECT client_id AS Client FROM clients()}, "
    "query={SELECT Client, COLUMNS FROM flows(client_id=Client, summary=TRUE)})"
).replace("COLUMNS", _COLUMNS)
_SERVERS = (
    'SELECT "server" AS Client, COLUMNS FROM flows(client_id="server", summary=TRUE)'
).replace("COLUMNS", _COLUMNS)
_SOME = (
    "SELECT * FROM foreach(row=parse_json_array(data=Wanted), query="
    "{SELECT Client, COLUMNS FROM flows(client_id=Client, flow_id=Flow, summary=TRUE)})"
).replace("COLUMNS", _COLUMNS)
_NO_SPACE = "Insufficient disk space"
_SERVER = "server"
_AT_ONCE = 5000
"""Flows asked for by one statement: its list is far below what a message may hold (4 MiB)."""


@dataclass
class OrgFlows:
    """``flows``: all of them; ``counted``, ``uploads``: their entries of the inventory."""

    flows: list[Collection] = field(default_factory=list)
    counted: Entries = field(default_factory=dict)
    uploads: Entries = field(default_factory=dict)
    records: dict[str, FlowRecord] = field(default_factory=dict)
    """``client/flow`` → what the next capture need not ask again."""
    without_client: list[str] = field(default_factory=list)
    """``client/flow`` on the disk whose client the server doesn't list: it gives none of them."""


def list_flows(
    api: Api, org: str, stamps: Mapping[str, str], earlier: Manifest | None = None
) -> OrgFlows:
    """Every flow of the org, the server's own among them.

    ``stamps``: the org's, read before this; ``earlier``: a point of the same server and version.
    Raises :class:`recovery.errors.ServerError` when anything was left out.
    """
    hosts = {row["Client"]: row["Host"] or "" for row in count_rows(api, _HOSTS, org)}
    hosts[_SERVER] = _SERVER
    before = earlier.flow_records.get(org, {}) if earlier else {}
    kept = unchanged(before, stamps, hosts)
    if before:
        rows: list[Row] = []
        unknown = [key for key in {**stamps, **before} if key not in kept]
    else:
        rows = _listed(api, org)
        seen = {f"{row['Client']}/{row['session_id']}" for row in rows}
        unknown = [key for key in stamps if key not in seen]
    rows += ask_flows(api, org, [key for key in unknown if _client(key) in hosts])
    found = OrgFlows(without_client=[key for key in stamps if _client(key) not in hosts])
    if earlier:
        _keep(found, org, kept, earlier)
    _add(found, api, org, rows, hosts, stamps)
    return found


def _listed(api: Api, org: str) -> list[Row]:
    """As the server lists them; none where it can't for want of space.

    A list that is ten minutes old, or empty, is written anew before it is read, which a server
    refuses below 50 MB of free space (seen on 0.77.2). A flow asked for by its id is only read.
    """
    try:
        return count_rows(api, _ALL, org) + count_rows(api, _SERVERS, org)
    except ServerError as refused:
        if _NO_SPACE not in refused.message:
            raise
        return []


def ask_flows(api: Api, org: str, keys: Sequence[str]) -> list[Row]:
    """The rows of single flows (``client/flow``); one that is gone has none."""
    rows = []
    for place in range(0, len(keys), _AT_ONCE):
        pairs = (key.split("/", 1) for key in keys[place : place + _AT_ONCE])
        wanted = json.dumps([{"Client": client, "Flow": flow} for client, flow in pairs])
        rows += count_rows(api, _SOME, org, {"Wanted": wanted})
    return rows


def ask_again(api: Api, org: str, flows: Iterable[Collection]) -> dict[str, Collection]:
    """Flows as they are now: ``client/flow`` → flow; one that is gone has none."""
    hosts = {flow.key: flow.hostname for flow in flows}
    rows = ask_flows(api, org, list(hosts))
    made = (
        flow_collection(org, row, hosts[f"{row['Client']}/{row['session_id']}"]) for row in rows
    )
    return {flow.key: flow for flow in made}


def unchanged(
    before: Mapping[str, FlowRecord], stamps: Mapping[str, str], hosts: Mapping[str, str]
) -> dict[str, FlowRecord]:
    """Of what was known before, that which still holds. ``hosts``: client → host name now."""
    return {
        key: record
        for key, record in before.items()
        if record.stamp
        and stamps.get(key) == record.stamp
        and hosts.get(_client(key)) == record.host
    }


def _keep(found: OrgFlows, org: str, kept: Mapping[str, FlowRecord], earlier: Manifest) -> None:
    found.records |= kept
    found.flows += [recorded_collection(org, key, record) for key, record in kept.items()]
    items = earlier.inventory.orgs.get(org, {})
    counted = items.get("flows", {})
    found.counted |= {key: counted[key] for key in kept if key in counted}
    found.uploads |= {
        key: size
        for key, size in items.get("uploads", {}).items()
        if "/".join(key.split("/", 2)[:2]) in kept
    }


def _add(
    found: OrgFlows,
    api: Api,
    org: str,
    rows: Sequence[Row],
    hosts: Mapping[str, str],
    stamps: Mapping[str, str],
) -> None:
    # The server's own flows come twice where it lists itself among its clients.
    once = {f"{row['Client']}/{row['session_id']}": row for row in rows}
    for key, row in once.items():
        flow = flow_collection(org, row, hosts.get(row["Client"], ""))
        found.flows.append(flow)
        stamp = stamps.get(key, "")
        if stamp and flow.state in ENDED:
            found.records[key] = flow.record(stamp)
    found.counted |= entries.flows(once.values())
    found.uploads |= count_uploads(api, org, once.values())


def _client(key: str) -> str:
    return key.partition("/")[0]
