"""What could be exported from an org: its flows and hunts, each with a fingerprint.

A fingerprint is what the server says about a collection (state, last activity, numbers). As
long as it stays the same, an archive that the vault has already is not made again.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from recovery.capture import compare_clocks
from recovery.capture.scene import Scene
from recovery.errors import ServerError
from recovery.velociraptor.api import ROOT, Api, Row
from recovery.velociraptor.inventory import digest

_ORGS = "SELECT Name, OrgId FROM orgs()"
_COLUMNS = (
    "session_id, state, create_time, active_time, total_collected_rows, total_uploaded_files, "
    "total_uploaded_bytes, artifacts_with_results, request.artifacts AS artifacts"
)
_FLOWS = (
    "SELECT * FROM foreach("
    "row={SELECT client_id AS Client, os_info.hostname AS Host FROM clients()}, "
    "query={SELECT Client, Host, COLUMNS FROM flows(client_id=Client)})"
).replace("COLUMNS", _COLUMNS)
_SERVER_FLOWS = (
    'SELECT "server" AS Client, "server" AS Host, COLUMNS FROM flows(client_id="server")'
).replace("COLUMNS", _COLUMNS)
_HUNTS = (
    "SELECT hunt_id, state, create_time, start_time, stats, artifacts, "
    "start_request.artifacts AS requested FROM hunts()"
)
_HUNT_FLOWS = (
    "SELECT * FROM foreach(row={SELECT hunt_id AS Hunt FROM hunts()}, "
    "query={SELECT Hunt, ClientId, FlowId FROM hunt_flows(hunt_id=Hunt, basic_info=TRUE)})"
)
_SECONDS = 1800.0
_UNFINISHED = ("RUNNING", "WAITING", "IN_PROGRESS", "UNRESPONSIVE")


@dataclass(frozen=True)
class Collection:
    """A flow or a hunt that can be exported. ``rows``, ``upload_bytes``: as the server says."""

    kind: str
    org: str
    ident: str
    client_id: str
    hostname: str
    state: str
    artifacts: tuple[str, ...]
    rows: int
    upload_bytes: int
    active_at: datetime | None
    fingerprint: str
    flows: tuple[tuple[str, str], ...] = ()
    """``(client id, flow id)`` of a hunt's flows."""

    @property
    def running(self) -> bool:
        return self.kind == "flow" and self.state in _UNFINISHED


def list_orgs(api: Api) -> dict[str, str]:
    """Org id → name, the root org first."""
    rows = api.query(_ORGS, min_rows=1)
    names = {row["OrgId"] or ROOT: row["Name"] for row in rows}
    return dict(sorted(names.items(), key=lambda pair: (pair[0] != ROOT, pair[0])))


def list_everywhere(scene: Scene) -> Iterator[list[Collection]]:
    """The chosen flows and hunts, an org at a time; what can't be listed is a gap.

    So is a hunt asked for by its id that no org lists: deleted, or archived by an older
    server, which 0.77.2 still keeps on its disk but lists no more (facts: hunts() leaves out
    archived ones). An archived hunt's flows are listed as any other flow.
    """
    listed: set[str] = set()
    for org in scene.orgs:
        try:
            found = list_collections(scene, org)
        except ServerError as refused:
            scene.gap(f"{org}: its flows and hunts could not be listed: {refused.message}")
            continue
        listed |= {item.ident for item in found if item.kind == "hunt"}
        yield found
    if scene.options.hunts != "all":
        for ident in scene.options.hunts:
            if ident not in listed:
                scene.gap(f"{ident}: the server lists no such hunt: mistyped, deleted or archived")


def list_collections(scene: Scene, org: str) -> list[Collection]:
    """The org's chosen flows and hunts (:attr:`CaptureOptions.flows_since`, ``hunts``)."""
    flows = list_flows(scene, org)
    since = scene.options.flows_since
    chosen = (
        flows if since is None else [flow for flow in flows if _recent(flow, since - scene.ahead)]
    )
    return chosen + _list_hunts(scene, org, flows)


def list_flows(scene: Scene, org: str) -> list[Collection]:
    """Every flow of the org, the server's own among them."""
    rows = scene.api.query(_FLOWS, org=org, timeout=_SECONDS)
    rows += scene.api.query(_SERVER_FLOWS, org=org, timeout=_SECONDS)
    return list({(row["Client"], row["session_id"]): _flow(org, row) for row in rows}.values())


def _flow(org: str, row: Row) -> Collection:
    seen = [row[name] for name in ("state", "active_time", "create_time", "total_collected_rows")]
    seen += [row[name] for name in ("total_uploaded_files", "total_uploaded_bytes")]
    return Collection(
        kind="flow",
        org=org,
        ident=row["session_id"],
        client_id=row["Client"],
        hostname=row["Host"] or "",
        state=row["state"] or "",
        artifacts=tuple(row["artifacts_with_results"] or row["artifacts"] or ()),
        rows=int(row["total_collected_rows"] or 0),
        upload_bytes=int(row["total_uploaded_bytes"] or 0),
        active_at=_moment(row["active_time"] or row["create_time"]),
        fingerprint=digest([org, row["Client"], row["session_id"], row["Host"], *seen]),
    )


def _list_hunts(scene: Scene, org: str, flows: list[Collection]) -> list[Collection]:
    wanted = scene.options.hunts
    if wanted == []:
        return []
    rows = scene.api.query(_HUNTS, org=org, timeout=_SECONDS)
    members: dict[str, list[tuple[str, str]]] = {}
    known = {(flow.client_id, flow.ident): flow for flow in flows}
    for row in scene.api.query(_HUNT_FLOWS, org=org, timeout=_SECONDS):
        members.setdefault(row["Hunt"], []).append((row["ClientId"], row["FlowId"]))
    return [
        _hunt(org, row, sorted(members.get(row["hunt_id"], [])), known)
        for row in rows
        if wanted == "all" or row["hunt_id"] in wanted
    ]


def _hunt(
    org: str, row: Row, members: list[tuple[str, str]], known: dict[tuple[str, str], Collection]
) -> Collection:
    marks = [known[member].fingerprint if member in known else member[1] for member in members]
    ended = [known[member] for member in members if member in known and not known[member].running]
    return Collection(
        kind="hunt",
        org=org,
        ident=row["hunt_id"],
        client_id="",
        hostname="",
        state=row["state"] or "",
        artifacts=tuple(row["artifacts"] or row["requested"] or ()),
        rows=sum(flow.rows for flow in ended),
        upload_bytes=sum(flow.upload_bytes for flow in ended),
        active_at=_moment(row["start_time"] or row["create_time"]),
        fingerprint=digest([org, row["hunt_id"], row["state"], row["stats"], marks]),
        flows=tuple(members),
    )


def _moment(value: object) -> datetime | None:
    """A server's time in microseconds (or seconds, in older records)."""
    if not isinstance(value, int | float) or not value:
        return None
    return datetime.fromtimestamp(value / 1e6 if value > 1e11 else value, UTC)  # noqa: PLR2004


def _recent(flow: Collection, since: timedelta) -> bool:
    """Whether it was active in time. Clients' clocks are part of the stamp: an hour is allowed."""
    if flow.active_at is None:
        return True
    return flow.active_at.timestamp() >= compare_clocks.here() - since.total_seconds() - 3600
