"""Flows of the server itself (client id "server"): run where they are asked for, at once."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from server_app.datastore import records
from server_app.services import requests

if TYPE_CHECKING:
    from server_app.services.org import OrgServices

_SERVER = "server"


def run_on_server(
    org: OrgServices, flow_id: str, request: records.Record, compiled: list[records.Record]
) -> None:
    """Evaluates the flow's queries on the server and stores rows, logs and statistics."""
    names = {
        requests.hidden_name(org, name): name
        for name in requests.source_names(org, request.get("artifacts", []))
    }
    stats = [
        _run_one(org, flow_id, collector, names, request.get("creator", ""))
        for collector in compiled
    ]
    org.flows.progress(_SERVER, flow_id, stats or [{"status": 0}])


def _run_one(
    org: OrgServices,
    flow_id: str,
    collector: records.Record,
    names: dict[str, str],
    principal: str,
) -> records.Record:
    from server_app.client import abilities  # registers info() and upload()
    from server_app.client.host import this_host
    from server_app.vql import run

    started = time.time_ns()
    logs: list[str] = []
    sizes: list[int] = []

    def keep(accessor: str, components: list[str], data: bytes) -> None:
        org.flows.add_upload(_SERVER, flow_id, accessor, components, data)
        sizes.append(len(data))

    env = {item["key"]: item.get("value", "") for item in collector.get("env", [])}
    name = names.get(collector["Query"][-1].get("Name", ""), "")
    rows: list[Any] = []
    condition = collector.get("precondition", "")
    if not condition or run(org, condition, env=env, principal=principal, log=logs.append):
        text = "\n".join(query["VQL"] for query in collector["Query"])
        with abilities.on(abilities.Where(this_host(), keep)):
            rows = run(org, text, env=env, principal=principal, log=logs.append)
    if rows:
        org.flows.add_rows(_SERVER, flow_id, name, rows)
    now = time.time_ns()
    stamped = [{"client_time": now // 10**9, "level": "DEFAULT", "message": t} for t in logs]
    org.flows.add_logs(_SERVER, flow_id, stamped)
    return {
        "status": 0,
        "duration": now - started,
        "first_active": started // 1000,
        "last_active": now // 1000,
        "names_with_response": [name] if rows else [],
        "log_rows": len(logs),
        "result_rows": len(rows),
        "uploaded_files": len(sizes),
        "uploaded_bytes": sum(sizes),
        "expected_uploaded_bytes": sum(sizes),
    }
