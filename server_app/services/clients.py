"""Clients of one org: the list in memory, labels, metadata.

The list reaches the disk only every `Frontend.resources.client_info_write_time` seconds and at a
clean stop; what changed since then is lost by a kill (facts: "Configuration and keys").
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from server_app.datastore import client_list, ids, records
from server_app.services.background import jitter, log
from server_app.services.client_labels import SERVER, ClientLabels
from server_app.services.client_search import matcher
from server_app.services.errors import ServiceError
from server_app.services.metadata import ClientMetadata

if TYPE_CHECKING:
    from server_app.services.org import OrgServices

Records = list[records.Record]
Strings = list[str]

_WRITE_SECONDS = 300
_SHORTEST_WRITE_SECONDS = 10
_PUNISHMENT_SECONDS = 60


class Clients(ClientLabels, ClientMetadata):
    """The client list of an org."""

    def __init__(self, org: OrgServices) -> None:
        super().__init__(org)
        self._lock = threading.RLock()
        self._records: dict[str, records.Record] = {}
        self._labels: dict[str, tuple[float, Strings]] = {}
        self.dirty = False

    # -- the list and the disk

    def load(self) -> None:
        """Reads the list from disk."""
        with self._lock:
            self._records = client_list.load(self.org.store)
            self._labels.clear()
            self.dirty = False

    def save(self) -> bool:
        """Writes the list if something changed since the last time; says whether it did."""
        with self._lock:
            if not self.dirty:
                return False
            self.dirty = False
            copies = {client_id: dict(record) for client_id, record in self._records.items()}
        try:
            client_list.save(self.org.store, copies)
        except OSError:
            with self._lock:
                self.dirty = True
            raise
        return True

    def save_now_and_then(self, stopping: threading.Event) -> None:
        """The job that writes the list.

        A wait that came out shorter than ten seconds is answered by a minute's sleep and no
        write: below about 11 the list is never written (facts: client_info_write_time).
        """
        resources = (self.org.server.config.get("Frontend") or {}).get("resources") or {}
        seconds = int(resources.get("client_info_write_time") or _WRITE_SECONDS)
        while True:
            started = time.monotonic()
            if stopping.wait(jitter(seconds)):
                return
            if time.monotonic() - started < _SHORTEST_WRITE_SECONDS:
                if stopping.wait(_PUNISHMENT_SECONDS):
                    return
                continue
            try:
                self.save()
            except OSError:
                log.exception("client list of %s not written", self.org.org_id)

    def replace_all(self, found: dict[str, records.Record]) -> None:
        """What restoring does: the list is replaced and NOT marked for saving; remembered
        labels stay as they were (facts: "what restoring really does", ClientInfo).
        """
        with self._lock:
            self._records = found

    def snapshot(self) -> Records:
        """Copies of all records, the server's own included."""
        with self._lock:
            return [dict(record) for record in self._records.values()]

    # -- one record

    def known(self, client_id: str) -> records.Record:
        """The record; raises ServiceError if this org doesn't know the client."""
        found = self.record(client_id)
        if found is None:
            raise ServiceError(f"Client ID {client_id} not known in this org: NotFoundError")
        return found

    def hostname(self, client_id: str) -> str:
        return str((self.record(client_id) or {}).get("hostname", ""))

    def modify(self, client_id: str, change: Callable[[records.Record], None]) -> None:
        """Changes a record (an empty one if there is none) under the lock."""
        with self._lock:
            record = self.record(client_id) or {"client_id": client_id}
            change(record)
            self.put(record)

    # -- what queries see

    def list(self, search: str = "", client_id: str = "") -> Iterator[dict[str, Any]]:
        """Rows of clients(), by id."""
        if client_id:
            if record := self.record(client_id):
                yield self.row(record)
            return
        matches = matcher(search or "all")
        # The server stands among its clients once it has flows of its own (recorded call 243).
        hidden = "" if self.org.flows.ids(SERVER) else SERVER
        with self._lock:
            chosen = [dict(r) for key, r in self._records.items() if key != hidden and matches(r)]
        for record in sorted(chosen, key=lambda r: str(r["client_id"])):
            yield self.row(record)

    def info(self, client_id: str) -> dict[str, Any]:
        return self.row(self.known(client_id))

    def row(self, record: records.Record) -> dict[str, Any]:
        """One row of clients()."""
        text = record.get
        return {
            "client_id": record["client_id"],
            "agent_information": {
                "version": text("client_version", ""),
                "name": text("client_name", ""),
                "build_time": text("build_time", ""),
                "build_url": text("build_url", ""),
            },
            "os_info": {
                "system": text("system", ""),
                "hostname": text("hostname", ""),
                "release": text("release", ""),
                "machine": text("architecture", ""),
                "fqdn": text("fqdn", ""),
                "mac_addresses": text("mac_addresses", []),
            },
            "first_seen_at": text("first_seen_at", 0),
            "last_seen_at": text("ping", 0),
            "last_ip": text("ip_address", ""),
            "last_interrogate_flow_id": text("last_interrogate_flow_id", ""),
            "last_interrogate_artifact_name": text("last_interrogate_artifact_name", ""),
            "labels": self.labels(record["client_id"]),
            "last_hunt_timestamp": 0,
            "last_event_table_version": 0,
            "last_label_timestamp": 0,
            "in_flight_flows": text("in_flight_flows", {}),
        }

    # -- making and removing

    def create(
        self,
        *,
        client_id: str = "",
        hostname: str = "",
        os: str = "",
        first_seen_at: float = 0,
        last_seen_at: float = 0,
        labels: Strings | None = None,
        mac_addresses: Strings | None = None,
    ) -> dict[str, Any]:
        """client_create(): a record without a key; replaces what was there."""
        record: records.Record = {
            "client_id": client_id or ids.new_client(),
            "hostname": hostname,
            "fqdn": hostname,
            "system": os,
            "labels": list(labels or []),
            "mac_addresses": list(mac_addresses or []),
            "first_seen_at": int(first_seen_at),
            "ping": int(last_seen_at * 1_000_000),
        }
        self.validate(record["client_id"])
        self.put(records.compact("ClientInfo", record))
        return records.full("ClientInfo", record)

    def delete(
        self, client_id: str, really_do_it: bool, principal: str
    ) -> Iterator[dict[str, Any]]:
        """Rows of client_delete(): the files of a client, removed if really asked for."""
        del principal
        if really_do_it and client_id not in self._records:
            error = f"clearIndexer: Client ID {client_id} not known in this org: NotFoundError"
            yield {
                "client_id": client_id,
                "type": "",
                "vfs_path": "",
                "error": f"client_delete: {error}",
            }
        for path in self.org.store.below("clients", client_id):
            kind = "Datastore" if path.name.endswith(".db") else "Filestore"
            shown = self.org.store.shown(path)
            yield {"client_id": client_id, "type": kind, "vfs_path": shown, "error": ""}
        if really_do_it:
            self.org.store.remove_tree("clients", client_id)
            with self._lock:
                self._records.pop(client_id, None)
                self._labels.pop(client_id, None)
                self.dirty = True

    # -- what the front end reports

    def seen(self, client_id: str, address: str) -> None:
        """Notes time and address of a connection."""

        def change(record: records.Record) -> None:
            record["ping"] = time.time_ns() // 1000
            record["ip_address"] = address

        self.modify(client_id, change)

    def interrogated(self, client_id: str, flow_id: str, artifact: str, row: Any) -> None:
        """Takes over what Generic.Client.Info found out. Rows without "OS" are passed over."""
        if not isinstance(row, dict) or "OS" not in row:
            return

        def change(record: records.Record) -> None:
            record["last_interrogate_flow_id"] = flow_id
            record["last_interrogate_artifact_name"] = artifact
            for column, field in _FROM_INTERROGATION.items():
                if row.get(column):
                    record[field] = str(row[column])
            record["release"] = f"{row.get('Platform', '')}{row.get('PlatformVersion', '')}"
            if row.get("MACAddresses"):
                record["mac_addresses"] = list(dict.fromkeys(row["MACAddresses"]))
            if not record.get("first_seen_at"):
                record["first_seen_at"] = self.enrolled_at(client_id) or int(time.time())

        self.modify(client_id, change)

    def enrolled_at(self, client_id: str) -> int:
        """When the client's key was stored, in seconds; 0 if it never was."""
        key = self.org.store.load("Key", "clients", client_id, "key") or {}
        return int(key.get("enroll_time", 0))


_FROM_INTERROGATION = {
    "OS": "system",
    "Hostname": "hostname",
    "Architecture": "architecture",
    "Fqdn": "fqdn",
    "Version": "client_version",
    "Name": "client_name",
    "BuildTime": "build_time",
    "build_url": "build_url",
}
