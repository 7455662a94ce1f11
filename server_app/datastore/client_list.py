"""The client list on disk: ``client_info/snapshot.json`` and its index.

A row is ``{"client_id": …, "info": hex of the ClientInfo record}``. A server holds the list in
memory and writes all of it now and then (facts: "Configuration and keys",
client_info_write_time); a missing list is rebuilt from older per-client records.
"""

from __future__ import annotations

from server_app.datastore import records, tables
from server_app.datastore.store import Store

_WHERE = ("client_info", "snapshot")
Clients = dict[str, records.Record]


def load(store: Store) -> Clients:
    """Reads the list; rows that cannot be read are passed over."""
    path = store.path(*_WHERE, suffix=".json")
    found: Clients = {}
    for row in tables.read(path):
        client_id, info = row.get("client_id"), row.get("info")
        if not isinstance(client_id, str) or not isinstance(info, str):
            continue
        try:
            record = records.from_wire("ClientInfo", bytes.fromhex(info))
        except ValueError:
            continue
        record["client_id"] = client_id
        found[client_id] = record
    return found or _from_older_records(store)


def save(store: Store, clients: Clients) -> None:
    """Writes the whole list anew: a finished file takes the old one's place, index first."""
    lines = []
    for client_id, record in list(clients.items()):
        info = records.to_wire("ClientInfo", record).hex()
        lines.append(b'{"client_id":"%s","info":"%s"}\n' % (client_id.encode(), info.encode()))
    path = store.path(*_WHERE, suffix=".json")
    numbers = b"".join(_number(place) for place in range(len(lines)))
    store.write(tables.index_path(path), numbers)
    store.write(path, b"".join(lines))


def _number(place: int) -> bytes:
    return (place << 40).to_bytes(8, "little")


def _from_older_records(store: Store) -> Clients:
    """Facts: "Where client_info/snapshot.json is missing …" (per-client record and labels)."""
    found: Clients = {}
    for client_id in store.record_names("clients"):
        record = store.load("ClientInfo", "clients", client_id)
        if not client_id.startswith("C.") or record is None:
            continue
        labels = store.load("HuntLabels", "clients", client_id, "labels")
        if labels and labels.get("label"):
            record["labels"] = labels["label"]
        found[client_id] = {**record, "client_id": client_id}
    return found
