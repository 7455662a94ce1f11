"""What waits for a client to fetch it: ``clients/<id>/tasks/<number>.db``."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from server_app.datastore import records

if TYPE_CHECKING:
    from server_app.services.org import OrgServices


class Tasks:
    """Queues of an org's clients. Which clients have something waiting is kept in memory."""

    def __init__(self, org: OrgServices) -> None:
        self._org = org
        self._lock = threading.RLock()
        self._looked_at: set[str] = set()
        self._waiting: set[str] = set()

    def queue(self, client_id: str, task: records.Record) -> None:
        task_id = time.time_ns()
        with self._lock:
            place = ("clients", client_id, "tasks", str(task_id))
            self._org.store.save_wire("Task", {**task, "task_id": task_id}, *place)
            self._waiting.add(client_id)

    def fetch(self, client_id: str) -> list[records.Record]:
        """Takes all that waits, oldest first."""
        with self._lock:
            if client_id in self._looked_at and client_id not in self._waiting:
                return []
            self._looked_at.add(client_id)
            self._waiting.discard(client_id)
            taken = []
            for name in self._org.store.record_names("clients", client_id, "tasks"):
                task = self._org.store.load("Task", "clients", client_id, "tasks", name)
                self._org.store.remove("clients", client_id, "tasks", name)
                if task:
                    taken.append(task)
            return taken

    def forget(self, client_id: str, flow_id: str) -> None:
        """Takes back what waits for one flow."""
        with self._lock:
            for name in self._org.store.record_names("clients", client_id, "tasks"):
                place = ("clients", client_id, "tasks", name)
                task = self._org.store.load("Task", *place) or {}
                if task.get("session_id") == flow_id:
                    self._org.store.remove(*place)
