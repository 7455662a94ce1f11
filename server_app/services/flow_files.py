"""Where everything of one flow lies, and what its statistics add up to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from server_app.datastore import records, tables
from server_app.services.artifacts import result_path

if TYPE_CHECKING:
    from server_app.services.org import OrgServices

RUNNING, FINISHED, ERROR = 1, 2, 3
_FAILED = frozenset({10, 11})
_REDUCED = (
    "creator", "client_id", "flow_id", "artifacts", "urgent", "cpu_limit", "iops_limit",
    "progress_timeout", "timeout", "max_rows", "max_logs", "max_upload_bytes",
)  # fmt: skip


class FlowFiles:
    """The files of flow `flow_id` of `client_id`."""

    def __init__(self, org: OrgServices, client_id: str, flow_id: str) -> None:
        self._org = org
        self.client_id, self.flow_id = client_id, flow_id
        self._base = ("clients", client_id, "collections", flow_id)

    @property
    def logs(self) -> Path:
        return self._org.store.path(*self._base, "logs", suffix=".json")

    @property
    def uploads(self) -> Path:
        return self._org.store.path(*self._base, "uploads", suffix=".json")

    def upload_components(self, accessor: str, components: list[str]) -> list[str]:
        """Datastore components of an uploaded file."""
        return [*self._base, "uploads", accessor or "file", *components]

    def results(self, artifact: str) -> Path:
        return result_path(self._org, self.client_id, self.flow_id, artifact)

    def load(self, *, request: bool = True) -> records.Record | None:
        """The flow with its statistics added up; None if there is no such flow."""
        flow = self._merged(request)
        return None if flow is None else records.compact("Flow", flow)

    def row(self, *, request: bool = True) -> records.Record | None:
        """The flow as a row of flows(); None if there is no such flow."""
        flow = self._merged(request)
        return None if flow is None else records.full("Flow", flow)

    def _merged(self, request: bool) -> records.Record | None:
        store = self._org.store
        flow = store.load("Flow", *self._base)
        if flow is None or not flow.get("session_id"):
            return None
        if request:
            whole = store.load("Flow", *self._base, "requests") or {}
            flow |= {key: whole[key] for key in ("request", "previous_flows") if key in whole}
        stats = store.load("Flow", *self._base, "stats") or {}
        if stats.get("query_stats"):
            flow["query_stats"] = stats["query_stats"]
        return added_up(flow)

    def save(self, flow: records.Record) -> None:
        """Writes the request on its own, and the flow with a reduced one."""
        request = flow.get("request", {})
        self._org.store.save("Flow", {"request": request}, *self._base, "requests")
        reduced = {key: request[key] for key in _REDUCED if key in request}
        record = {**flow, "request": {**reduced, "flow_id": flow["session_id"]}}
        record.pop("previous_flows", None)
        self._org.store.save("Flow", record, *self._base)

    def save_stats(self, stats: list[records.Record]) -> None:
        record = {
            "client_id": self.client_id,
            "session_id": self.flow_id,
            "query_stats": stats,
        }
        self._org.store.save("Flow", record, *self._base, "stats")

    def load_stats(self) -> list[records.Record]:
        """Statistics as stored, one record a query."""
        stats = self._org.store.load("Flow", *self._base, "stats") or {}
        found: list[records.Record] = stats.get("query_stats", [])
        return found

    def save_task(self, task: records.Record) -> None:
        self._org.store.save_wire("Tasks", {"items": [task]}, *self._base, "task")

    def load_tasks(self) -> records.Record | None:
        return self._org.store.load("Tasks", *self._base, "task")

    def add_to_index(self, flow: records.Record) -> None:
        """One more row in the client's list of flows."""
        request = flow.get("request", {})
        row = {
            "FlowId": flow["session_id"],
            "Artifacts": request.get("artifacts"),
            "Created": flow.get("create_time", 0),
            "Creator": request.get("creator", ""),
        }
        tables.append(index_path(self._org, self.client_id), [row])


def index_path(org: OrgServices, client_id: str) -> Path:
    return org.store.path("clients", client_id, "flow_index", suffix=".json")


def added_up(flow: records.Record) -> records.Record:
    """The flow with totals and state as its queries' statistics say."""
    stats: list[records.Record] = flow.get("query_stats", [])
    flow.setdefault("state", RUNNING)
    if not stats:
        return flow

    def total(field: str) -> int:
        return sum(int(stat.get(field, 0)) for stat in stats)

    finished = [stat for stat in stats if stat.get("status", 0) != 4]  # noqa: PLR2004  PROGRESS
    failed = [stat for stat in stats if stat.get("status", 0) in _FAILED]
    names = [name for stat in stats for name in stat.get("names_with_response", []) if name]
    expected = max(int(flow.get("total_requests", 0)), len(stats))
    flow |= {
        "execution_duration": max(int(stat.get("duration", 0)) for stat in stats),
        "total_uploaded_files": total("uploaded_files"),
        "total_uploaded_bytes": total("uploaded_bytes"),
        "total_expected_uploaded_bytes": total("expected_uploaded_bytes"),
        "total_collected_rows": total("result_rows"),
        "total_logs": total("log_rows"),
        "active_time": max(int(stat.get("last_active", 0)) for stat in stats),
        "start_time": min(int(stat.get("first_active", 0)) for stat in stats),
        "artifacts_with_results": list(dict.fromkeys(names)),
        "total_requests": expected,
        "outstanding_requests": expected - len(finished),
    }
    if failed and flow["state"] == RUNNING:
        flow |= {"state": ERROR, "status": failed[0].get("error_message", "")}
    elif flow["state"] == RUNNING and flow["outstanding_requests"] <= 0:
        flow["state"] = FINISHED
    return flow


def results_rows(org: OrgServices, client_id: str, flow_id: str, artifact: str) -> Any:
    """Rows of one source of a flow."""
    return tables.read(result_path(org, client_id, flow_id, artifact))
