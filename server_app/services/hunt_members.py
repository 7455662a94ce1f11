"""Who took part in a hunt, with which flow, and what came of it.

``hunts/<H>.json`` (client and flow), ``hunts/<H>_errors.json`` (how flows ended) and
``hunt_index/<h>/<client>.db`` (who must not run it again).
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from server_app.datastore import records, tables
from server_app.services import requests
from server_app.services.errors import ServiceError
from server_app.services.flow_files import ERROR
from server_app.services.hunt_rows import iso

if TYPE_CHECKING:
    from server_app.services.org import OrgServices

Pairs = list[tuple[str, str]]
Strings = list[str]


class HuntMembers:
    """The part of an org's hunts that is about clients and flows."""

    def __init__(self, org: OrgServices) -> None:
        self._org = org
        self._lock = threading.RLock()

    def get(self, hunt_id: str, *, request: bool) -> records.Record | None:
        raise NotImplementedError

    def _change(self, hunt_id: str, change: Callable[[records.Record], None]) -> records.Record:
        raise NotImplementedError

    def _table(self, name: str) -> Any:
        return self._org.store.path("hunts", name, suffix=".json")

    def participants(self, hunt_id: str) -> Pairs:
        """Pairs of client and flow, in the order in which they were added."""
        rows = tables.read(self._table(hunt_id))
        return [(str(row.get("ClientId", "")), str(row.get("FlowId", ""))) for row in rows]

    def took_part(self, hunt_id: str, client_id: str) -> bool:
        return self._org.store.exists("hunt_index", hunt_id.lower(), client_id)

    def add_participant(self, hunt_id: str, client_id: str, flow_id: str) -> None:
        row = {
            "HuntId": hunt_id,
            "ClientId": client_id,
            "FlowId": flow_id,
            "Timestamp": int(time.time()),
        }
        with self._lock:
            tables.append(self._table(hunt_id), [row])

    def mark_took_part(self, hunt_id: str, client_id: str) -> None:
        self._org.store.save_wire("Org", {}, "hunt_index", hunt_id.lower(), client_id)

    def count(self, hunt_id: str, **more: int) -> None:
        """Adds to the hunt's counts; unknown hunts are passed over."""

        def change(hunt: records.Record) -> None:
            for name, number in more.items():
                hunt["stats"][name] = hunt["stats"].get(name, 0) + number

        with contextlib.suppress(ServiceError):
            self._change(hunt_id, change)

    def flow_ended(self, flow: records.Record) -> None:
        """Counts a flow whose id says that it belongs to a hunt (``F.<hunt>.H``)."""
        flow_id = flow["session_id"]
        if not flow_id.endswith(".H"):
            return
        hunt_id = "H." + flow_id[2:-2]
        self.count(
            hunt_id,
            total_clients_with_results=1,
            total_finished_clients=1,
            total_uploaded_bytes=flow.get("total_uploaded_bytes", 0),
            total_collected_rows=flow.get("total_collected_rows", 0),
            **({"total_clients_with_errors": 1} if flow["state"] == ERROR else {}),
        )
        row = {
            "ClientId": flow["client_id"],
            "FlowId": flow_id,
            "StartTime": iso(flow.get("start_time", 0)),
            "EndTime": iso(flow.get("active_time", 0)),
            "Status": "ERROR" if flow["state"] == ERROR else "FINISHED",
            "Error": flow.get("status", ""),
        }
        with self._lock:
            tables.append(self._table(hunt_id + "_errors"), [row])

    def assign(self, hunt_id: str, client_id: str, flow_id: str) -> None:
        """Adds a flow that is there already to a hunt (imports, hunt_add with a flow)."""
        flow = self._org.flows.get(client_id, flow_id, request=False)
        if flow is None:
            raise ServiceError(f"Flow {flow_id} not found in client '{client_id}'")
        self.add_participant(hunt_id, client_id, flow_id)
        self.count(
            hunt_id,
            total_clients_scheduled=1,
            total_clients_with_results=1,
            total_finished_clients=1,
            total_uploaded_bytes=flow.get("total_uploaded_bytes", 0),
            total_collected_rows=flow.get("total_collected_rows", 0),
        )

    def add(
        self, client_id: str, hunt_id: str, *, flow_id: str = "", relaunch: bool = False
    ) -> str:
        """hunt_add(): a client joins whatever the hunt's conditions say."""
        if client_id == "server":
            raise ServiceError("The server can not participate in a hunt")
        if flow_id:
            self.assign(hunt_id, client_id, flow_id)
            return client_id
        hunt = self.get(hunt_id, request=True)
        if hunt is None:
            raise ServiceError(f"Hunt id not found {hunt_id}")
        if relaunch or not self.took_part(hunt_id, client_id):
            started = self._org.dispatch.schedule(hunt, client_id, new_flow=relaunch)
            return started if relaunch else client_id
        return client_id

    def flows(
        self, hunt_id: str, *, start_row: int = 0, limit: int = 0, basic_info: bool = False
    ) -> Iterator[dict[str, Any]]:
        """Rows of hunt_flows()."""
        pairs = self.participants(hunt_id)[start_row:]
        for client_id, flow_id in pairs[: limit or None]:
            flow: records.Record | None = {"client_id": client_id, "session_id": flow_id}
            if not basic_info:
                flow = self._org.flows.get(client_id, flow_id, request=False)
            if flow is not None:
                yield {
                    "HuntId": hunt_id,
                    "ClientId": client_id,
                    "FlowId": flow_id,
                    "Flow": records.full("Flow", flow),
                }

    def results(
        self, hunt_id: str, artifact: str = "", source: str = "", orgs: Strings | None = None
    ) -> Iterator[dict[str, Any]]:
        """Rows of hunt_results(). Raises ServiceError for an unknown hunt or artifact."""
        hunt = self.get(hunt_id, request=False)
        if hunt is None:
            raise ServiceError("Hunt not found")
        available = requests.source_names(self._org, hunt.get("artifacts", []))
        if not available:
            raise ServiceError("not artifacts available")
        wanted = f"{artifact}/{source}" if source else artifact or available[0]
        if wanted not in available:
            raise ServiceError(
                f"artifact {wanted} not available in hunt. "
                f"Available artifacts are {', '.join(available)}"
            )
        return self._results(hunt_id, wanted, orgs or [self._org.org_id])

    def _results(self, hunt_id: str, artifact: str, org_ids: Strings) -> Iterator[dict[str, Any]]:
        for org_id in org_ids:
            org = self._org.server.org(org_id)
            for client_id, flow_id in org.hunts.participants(hunt_id):
                fqdn = (org.clients.record(client_id) or {}).get("fqdn", "")
                for row in org.flows.results(client_id, flow_id, artifact):
                    where = {"FlowId": flow_id, "ClientId": client_id}
                    yield {**row, **where, "_OrgId": org_id, "Fqdn": fqdn}
