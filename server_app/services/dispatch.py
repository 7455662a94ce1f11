"""Gives running hunts to the clients that have not run them, and wakes clients that wait."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from server_app.datastore import records
from server_app.services.errors import ServiceError
from server_app.services.hunt_conditions import matches
from server_app.services.hunts import RUNNING, now_microseconds

if TYPE_CHECKING:
    from server_app.services.org import OrgServices

log = logging.getLogger("server_app")


class Dispatch:
    """A client is asked about all hunts started after the last one that it was asked about.

    That moment stands in the client list (`last_hunt_timestamp`): where the list is lost, clients
    run the hunts again (facts: "Datastore layout").
    """

    def __init__(self, org: OrgServices) -> None:
        self._org = org
        self._lock = threading.RLock()
        self._again: set[str] = set()
        self.wake: Callable[[str], None] = lambda _client_id: None
        """Set by the front end: tells a connected client that something waits ("": all)."""

    def hunts_changed(self) -> None:
        """A hunt was made, restored or started: connected clients are asked at once."""
        self.wake("")

    def client_changed(self, client_id: str) -> None:
        """Labels or system of a client changed: conditions are looked at again."""
        with self._lock:
            self._again.add(client_id)
        self.wake(client_id)

    def check(self, client_id: str) -> None:
        """Schedules what this client has to run (at each of its visits)."""
        record = self._org.clients.record(client_id)
        if record is None:
            return
        last = int(record.get("last_hunt_timestamp", 0))
        with self._lock:
            again = client_id in self._again
            self._again.discard(client_id)
        newest = last
        for hunt in self._org.hunts.all():
            started = int(hunt.get("start_time", 0))
            if started > last or again:
                newest = max(newest, started)
                self._offer(hunt, client_id, record)
        if newest > last:

            def change(record: records.Record) -> None:
                record["last_hunt_timestamp"] = newest

            self._org.clients.modify(client_id, change)

    def _offer(self, hunt: records.Record, client_id: str, record: records.Record) -> None:
        hunt_id = hunt["hunt_id"]
        if hunt.get("state") != RUNNING or hunt.get("stats", {}).get("stopped"):
            return
        if self._org.hunts.took_part(hunt_id, client_id):
            return
        if not matches(hunt, record, self._org.clients.labels(client_id)):
            return
        if hunt.get("expires", 0) < now_microseconds() or self._is_over_limit(hunt):
            self._org.hunts.stop_for_good(hunt_id)
            return
        whole = self._org.hunts.get(hunt_id, request=True)
        try:
            self.schedule(whole or hunt, client_id)
        except ServiceError as error:
            log.warning("hunt %s not scheduled on %s: %s", hunt_id, client_id, error)

    @staticmethod
    def _is_over_limit(hunt: records.Record) -> bool:
        limit = hunt.get("client_limit", 0)
        return bool(limit and hunt.get("stats", {}).get("total_clients_scheduled", 0) >= limit)

    def schedule(self, hunt: records.Record, client_id: str, *, new_flow: bool = False) -> str:
        """Starts the hunt's flow on a client; returns the flow's id.

        A restored hunt has only a summary of its request: it runs with the artifacts' default
        parameters, under a flow id of its own (facts: Hunt).
        """
        hunt_id = hunt["hunt_id"]
        request = {**hunt.get("start_request", {}), "client_id": client_id}
        request.setdefault("max_upload_bytes", 1 << 30)
        if new_flow:
            request.pop("flow_id", None)
        flow_id = self._org.flows.schedule(request)
        if new_flow:
            self._org.hunts.assign(hunt_id, client_id, flow_id)
            return flow_id
        self._org.hunts.add_participant(hunt_id, client_id, flow_id)
        self._org.hunts.count(hunt_id, total_clients_scheduled=1)
        self._org.hunts.mark_took_part(hunt_id, client_id)
        return flow_id
