"""Flows of an org: scheduling, results, uploads."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from server_app.datastore import chunks, ids, records, tables
from server_app.datastore.store import JSON, WIRE
from server_app.services import requests
from server_app.services.errors import ServiceError
from server_app.services.flow_files import ERROR, RUNNING, FlowFiles, index_path
from server_app.services.flow_uploads import servers_row, stored_row, upload_row
from server_app.services.tasks import Tasks

if TYPE_CHECKING:
    from server_app.services.org import OrgServices

Records = list[records.Record]
Lines = list[Any]
Strings = list[str]

SERVER = "server"


class Flows:
    """What was asked of clients and what they sent back."""

    def __init__(self, org: OrgServices) -> None:
        self._org = org
        self._lock = threading.RLock()
        self.tasks = Tasks(org)

    def files(self, client_id: str, flow_id: str) -> FlowFiles:
        return FlowFiles(self._org, client_id, flow_id)

    def get(self, client_id: str, flow_id: str, *, request: bool = True) -> records.Record | None:
        """The flow as a record, None if there is none."""
        try:
            return self.files(client_id, flow_id).load(request=request)
        except ValueError:
            return None

    # -- scheduling

    def collect(
        self,
        client_id: str,
        artifacts: Strings,
        *,
        env: dict[str, Any] | None = None,
        spec: dict[str, Any] | None = None,
        flow_id: str = "",
        timeout: int = 0,
        ops_per_second: float = 0,
        cpu_limit: float = 0,
        iops_limit: float = 0,
        max_rows: int = 0,
        max_bytes: int = 0,
        urgent: bool = False,
        principal: str,
    ) -> dict[str, Any]:
        """collect_client(): returns flow id and request. Raises ServiceError."""
        artifacts = artifacts or list(spec or {})
        if not artifacts:
            raise ServiceError("no artifacts to collect!")
        self._org.clients.validate(client_id)
        if spec is None:
            spec = dict.fromkeys(artifacts, env) if env is not None else {}
        request = {
            "creator": principal,
            "client_id": client_id,
            "flow_id": flow_id,
            "urgent": urgent,
            "artifacts": artifacts,
            "specs": requests.specs(self._org, spec),
            "cpu_limit": cpu_limit,
            "iops_limit": iops_limit,
            "timeout": timeout,
            "max_rows": max_rows,
            "max_upload_bytes": max_bytes or requests.UPLOAD_LIMIT,
            "ops_per_second": ops_per_second,
        }
        made = self.schedule(records.compact("Args", request))
        return {"flow_id": made, "request": records.full("Args", {**request, "flow_id": made})}

    def schedule(self, request: records.Record) -> str:
        """Stores a flow for a request and queues its task; returns the flow's id.

        A request that brings compiled queries (a hunt's) is used as it is. Flows of the server
        itself run at once.
        """
        client_id = request["client_id"]
        self._org.clients.known(client_id)
        compiled = request.get("compiled_collector_args")
        if not compiled:
            compiled = requests.compile_request(self._org, request)
        flow_id = request.get("flow_id") or ids.flow()
        request = {**request, "flow_id": flow_id}
        flow = {
            "client_id": client_id,
            "session_id": flow_id,
            "request": request,
            "create_time": time.time_ns() // 1000,
            "state": RUNNING,
        }
        files = self.files(client_id, flow_id)
        task = requests.task(flow_id, request, compiled)
        try:
            files.save_task(task)
            files.save(flow)
            files.add_to_index(flow)
            if client_id != SERVER:
                self.tasks.queue(client_id, task)
                self._org.dispatch.wake(client_id)
        except (OSError, ValueError) as error:
            raise ServiceError(str(error)) from error
        if client_id == SERVER:
            self._run_on_server(flow_id, request, compiled)
        return flow_id

    def _run_on_server(self, flow_id: str, request: records.Record, compiled: Records) -> None:
        from server_app.services.server_flows import run_on_server

        run_on_server(self._org, flow_id, request, compiled)

    # -- reading

    def ids(self, client_id: str) -> Strings:
        """Flow ids in the order of the client's index; one that is empty is made anew, by id."""
        found = [row.get("FlowId", "") for row in tables.read(index_path(self._org, client_id))]
        if not found:
            found = list(self._org.store.record_names("clients", client_id, "collections"))
            for files in (self.files(client_id, flow_id) for flow_id in found):
                if flow := files.load(request=True):
                    files.add_to_index(flow)
        return list(dict.fromkeys(found))

    def list(
        self, client_id: str, flow_id: str = "", summary: bool = False
    ) -> Iterator[dict[str, Any]]:
        """Rows of flows(). Raises ServiceError if the client is unknown."""
        if self._org.clients.record(client_id) is None:
            raise ServiceError(
                f"unable to get client {client_id}: "
                f"Client ID {client_id} not known in this org: NotFoundError"
            )
        return self._rows(client_id, [flow_id] if flow_id else self.ids(client_id), summary)

    def _rows(self, client_id: str, flow_ids: Strings, summary: bool) -> Iterator[dict[str, Any]]:
        for flow_id in flow_ids:
            with contextlib.suppress(ValueError):
                row = self.files(client_id, flow_id).row(request=not summary)
                if row is not None:
                    yield row

    def results(
        self, client_id: str, flow_id: str, artifact: str = "", source: str = ""
    ) -> Iterator[dict[str, Any]]:
        """Rows that a source of a flow returned; without a name, of all its sources."""
        names = [f"{artifact}/{source}" if source else artifact]
        if not artifact:
            flow = self.get(client_id, flow_id, request=False) or {}
            names = flow.get("artifacts_with_results", [])
        for name in names:
            try:
                yield from tables.read(self.files(client_id, flow_id).results(name))
            except (ValueError, EOFError, OSError):
                return

    def logs(self, client_id: str, flow_id: str) -> Iterator[dict[str, Any]]:
        yield from tables.read(self.files(client_id, flow_id).logs)

    def uploads(
        self, client_id: str = "", flow_id: str = "", hunt_id: str = ""
    ) -> Iterator[dict[str, Any]]:
        """What was uploaded, by one flow or by all flows of a hunt."""
        pairs = [(client_id, flow_id)]
        if hunt_id:
            pairs = self._org.hunts.participants(hunt_id)
        for client, flow in pairs if hunt_id or (client_id and flow_id) else []:
            for row in tables.read(self.files(client, flow).uploads):
                yield upload_row(row, client, flow) if hunt_id else upload_row(row)

    # -- what a client sends

    def add_rows(self, client_id: str, flow_id: str, artifact: str, rows: Lines) -> None:
        """Adds result rows of one source."""
        path = self.files(client_id, flow_id).results(artifact)
        self._org.store.require_space()
        add = tables.append_compressed if self._org.compresses else tables.append
        with self._lock:
            add(path, rows)

    def add_logs(self, client_id: str, flow_id: str, rows: Lines) -> None:
        with self._lock:
            tables.append(self.files(client_id, flow_id).logs, rows)

    def add_upload(
        self, client_id: str, flow_id: str, accessor: str, components: Strings, data: bytes
    ) -> None:
        """Stores an uploaded file whole, and its row."""
        files = self.files(client_id, flow_id)
        stored = files.upload_components(accessor, components)
        path = self._org.store.path(*stored)
        self._org.store.require_space()
        with self._lock:
            for old in (path, chunks.index_path(path)):
                old.unlink(missing_ok=True)
            if self._org.compresses and data:
                chunks.append(path, data)
            else:
                self._org.store.write(path, data)
            if client_id == SERVER:
                row = servers_row(stored, components, len(data))
            else:
                row = stored_row(stored, accessor, components, len(data))
            tables.append(files.uploads, [row])

    def progress(self, client_id: str, flow_id: str, stats: Records) -> bool:
        """Takes over the queries' statistics; True if the flow ended by this.

        A state that an earlier report or a cancellation gave is final: a report sent again
        changes nothing.
        """
        with self._lock:
            files = self.files(client_id, flow_id)
            before = files.load(request=False)
            if before is None or before["state"] != RUNNING:
                return False
            files.save_stats(stats)
            after = files.load(request=True)
            if after is None or after["state"] == RUNNING:
                return False
            files.save(after)
        self._org.completed(after)
        return True

    def cancel(self, client_id: str, flow_id: str, principal: str) -> dict[str, Any]:
        """cancel_flow(): a flow that has not ended becomes an error; an unknown one is none."""
        with self._lock:
            flow = self.get(client_id, flow_id) if client_id else None
            if flow is not None and flow["state"] == RUNNING:
                flow |= {"state": ERROR, "status": "Cancelled by VQL query"}
                self.files(client_id, flow_id).save(flow)
            if client_id:
                self.tasks.forget(client_id, flow_id)
        self._org.audit("CancelFlow", principal, client_id=client_id, flow_id=flow_id)
        return {"flow_id": flow_id}

    def delete(
        self, flow_id: str, client_id: str, really_do_it: bool, principal: str
    ) -> Iterator[dict[str, Any]]:
        """Rows of delete_flow(): the files of a flow, removed if really asked for."""
        flow = self.get(client_id, flow_id, request=False)
        if flow is None:
            raise ServiceError(f"Flow not found: {flow_id} in client '{client_id}'")
        if really_do_it:
            self._org.audit("delete_flow", principal, client_id=client_id, flow_id=flow_id)
        return self._delete(flow, really_do_it)

    def _delete(self, flow: records.Record, really_do_it: bool) -> Iterator[dict[str, Any]]:
        client_id, flow_id = flow["client_id"], flow["session_id"]
        files = self.files(client_id, flow_id)
        results = map(files.results, flow.get("artifacts_with_results", []))
        store, where = self._org.store, ("clients", client_id, "collections", flow_id)
        place = store.path(*where)
        found = [
            ("UploadMetadata", files.uploads),
            ("UploadTransactions", place / "upload_transactions.json"),
            *(
                ("Upload", path)
                for path in sorted((place / "uploads").rglob("*"))
                if path.is_file()
            ),
            *(("Result", path) for path in results),
            ("Log", files.logs),
            ("CollectionContext", store.path(*where, suffix=JSON)),
            ("Task", store.path(*where, "task", suffix=WIRE)),
            ("Stats", store.path(*where, "stats", suffix=JSON)),
        ]
        for number, (kind, path) in enumerate(found, start=1):
            if really_do_it:
                for file in (path, tables.index_path(path), chunks.index_path(path)):
                    file.unlink(missing_ok=True)
            shown = {"vfs_path": store.shown(path)}
            yield {"id": number, "type": kind, "data": shown, "error": ""}
        if really_do_it:
            store.remove(*where)
            store.remove_tree(*where)
            # A real server reads the index while it overwrites it: nothing is left of it (seen).
            tables.replace(index_path(self._org, client_id), [])
