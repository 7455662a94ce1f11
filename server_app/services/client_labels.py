"""Labels of clients, remembered for an hour apart from the client list.

That is why labels may look empty for up to an hour after the list was restored (facts: "what
restoring really does", ClientInfo).
"""

from __future__ import annotations

import re
import threading
import time
from typing import TYPE_CHECKING, Any

from server_app.datastore import records
from server_app.services.errors import ServiceError

if TYPE_CHECKING:
    from server_app.services.org import OrgServices

Strings = list[str]
SERVER = "server"
_CLIENT_ID = re.compile(r"(C\.[a-z0-9]+|server)")
_REMEMBERED_SECONDS = 3600


class ClientLabels:
    """The part of an org's clients that is about labels."""

    def __init__(self, org: OrgServices) -> None:
        self.org = org
        self._lock = threading.RLock()
        self._records: dict[str, records.Record] = {}
        self._labels: dict[str, tuple[float, list[str]]] = {}
        self.dirty = False

    def record(self, client_id: str) -> records.Record | None:
        if client_id == SERVER:
            return {"client_id": SERVER, "hostname": SERVER, "fqdn": SERVER}
        with self._lock:
            found = self._records.get(client_id)
            return dict(found) if found is not None else None

    def put(self, record: records.Record) -> None:
        """Stores a record: from now on the list differs from the one on disk."""
        with self._lock:
            self._records[record["client_id"]] = record
            self.dirty = True

    def validate(self, client_id: str) -> None:
        """Raises ServiceError if this can be no client's id."""
        if not client_id:
            raise ServiceError("ClientId not provided")
        if not _CLIENT_ID.match(client_id):
            raise ServiceError("ClientId is not valid")

    def labels(self, client_id: str) -> Strings:
        """Labels as remembered: for up to an hour they may differ from the record's."""
        now = time.monotonic()
        with self._lock:
            until, remembered = self._labels.get(client_id, (0.0, []))
            if now < until:
                return list(remembered)
            found = self._records.get(client_id)
            if found is None:
                return []
            labels = list(found.get("labels", []))
            self._labels[client_id] = (now + _REMEMBERED_SECONDS, labels)
            return list(labels)

    def label(self, client_id: str, labels: Strings, op: str) -> dict[str, Any] | bool:
        """Sets, removes or checks labels; False if a checked one is not there."""
        wanted = [label.strip() for label in labels if label.strip()]
        if op == "check":
            have = {label.lower() for label in self.labels(client_id)} | {"all"}
            if any(label.lower() not in have for label in wanted):
                return False
        elif op in {"set", "remove"}:
            self.validate(client_id)
            for label in wanted:
                self._change_label(client_id, label, add=op == "set")
        return {"ClientId": client_id, "Labels": labels, "Op": op}

    def _change_label(self, client_id: str, label: str, *, add: bool) -> None:
        with self._lock:
            record = self.record(client_id) or {"client_id": client_id}
            others = [x for x in record.get("labels", []) if x.lower() != label.lower()]
            present = len(others) < len(record.get("labels", []))
            if present != add:
                record["labels"] = [*others, label] if add else others
                record["labels_timestamp"] = time.time_ns()
                self.put(record)
            self._labels.pop(client_id, None)
        if add and not present:
            self.org.dispatch.client_changed(client_id)
