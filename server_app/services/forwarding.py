"""The monitoring that an org's server really runs: what sends results on to other systems.

Of the server's monitoring table only those artifacts run that call ``elastic_upload()`` or
``splunk_upload()``: the others have nothing to do with a recovery. Each runs in a thread, as the
server itself, over the flows that end from then on (facts *[read]*: server monitoring).
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from server_app.datastore import records
from server_app.services import requests
from server_app.services.errors import ServiceError
from server_app.services.forwarding_events import LOGS, ROWS, Events

if TYPE_CHECKING:
    from server_app.services.org import OrgServices

_CALLS = ("elastic_upload", "splunk_upload")
_EVERY = 0.2


class Forwarding:
    """The forwarding artifacts of an org: started, watched over, stopped."""

    def __init__(self, org: OrgServices) -> None:
        self._org = org
        self._lock = threading.Lock()
        self._watchers: list[queue.SimpleQueue[dict[str, Any]]] = []
        self._running: list[dict[str, Any]] = []
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self.events = Events(org.store)

    def refresh(self) -> None:
        """Takes over the table: nothing happens if its queries are those that run already."""
        if not self._org.started:
            return
        wanted = self._wanted()
        with self._lock:
            if wanted == self._running:
                return
            self._end()
            self._running = wanted
            self._stopping = threading.Event()
            for collector in wanted:
                job = (collector, self._stopping)
                thread = threading.Thread(target=self._run, args=job, daemon=True)
                self._threads.append(thread)
                thread.start()

    def close(self) -> None:
        """Ends all of them."""
        with self._lock:
            self._end()
            self._running = []

    def _end(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(timeout=5)
        self._threads.clear()

    def _wanted(self) -> list[dict[str, Any]]:
        table = self._org.monitoring.get_server()
        names = [
            name
            for name in table.get("artifacts", [])
            if (found := self._org.artifacts.get(name)) is not None
            and found.type == "server_event"
            and any(call in str(source.get("query")) for source in found.sources for call in _CALLS)
        ]
        try:
            return [
                {"artifact": name, **collector}
                for name in names
                for collector in requests.compile_request(self._org, {**table, "artifacts": [name]})
            ]
        except ServiceError:
            return []

    def _run(self, collector: dict[str, Any], stopping: threading.Event) -> None:
        from server_app.vql.scope import QueryCancelled, Run
        from server_app.vql.session import Session

        artifact = collector["artifact"]
        log = self._logger(artifact)
        log(f"server_monitoring: Collecting <green>{artifact}</>")
        client = self._org.server.config.get("Client") or {}
        principal = client.get("pinned_server_name") or "VelociraptorServer"
        run = Run(self._org, principal, log, is_active=lambda: not stopping.is_set())
        env = {item["key"]: item.get("value", "") for item in collector.get("env", [])}
        text = "\n".join(query["VQL"] for query in collector["Query"])
        try:
            for _, rows in Session(run, env).results(text):
                for row in rows:
                    self.events.add(ROWS, artifact, {**row, "_Source": principal})
        except QueryCancelled:
            pass
        log(f"server_monitoring: Finished collecting {artifact}")

    def _logger(self, artifact: str) -> Any:
        def log(text: str) -> None:
            level, found, message = text.partition(":")
            known = found and level in ("DEBUG", "INFO", "WARN", "ERROR")
            stamp = time.strftime("%Y-%m-%d %H:%M:%S +0000 UTC", time.gmtime())
            line = {"Timestamp": stamp, "Level": level if known else "DEFAULT"}
            self.events.add(LOGS, artifact, {**line, "Message": message if known else text})

        return log

    # -- what they watch

    def completed(self, flow: records.Record) -> None:
        """A flow ended: everyone who watches System.Flow.Completion gets it."""
        with self._lock:
            watchers = list(self._watchers)
        if not watchers:
            return
        row = {
            "Timestamp": int(time.time()),
            "Flow": records.full("Flow", flow),
            "FlowId": flow["session_id"],
            "ClientId": flow["client_id"],
        }
        for watcher in watchers:
            watcher.put(row)

    def watch(self, check: Any) -> Iterator[dict[str, Any]]:
        """Rows as flows end; ``check`` is called in between and ends it by an exception."""
        mine: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        with self._lock:
            self._watchers.append(mine)
        try:
            while True:
                check()
                try:
                    yield mine.get(timeout=_EVERY)
                except queue.Empty:
                    continue
        finally:
            with self._lock:
                self._watchers.remove(mine)
