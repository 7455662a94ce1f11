"""A client's row of a backup as the binary record that the client list on disk holds.

The list is ``client_info/snapshot.json``: one ``{"client_id", "info"}`` a line, ``info``
the hex of a protobuf message ClientInfo; its index has one little-endian u64 a row, the
row's number above bit 40 (facts: Datastore layout; field numbers of the message read off
the real server's interface description).
"""

import json
import struct
from collections.abc import Iterable, Mapping
from typing import Any

Row = Mapping[str, Any]

_VARINT = 0
_BYTES = 2
_TEXTS = {
    "client_id": 1,
    "hostname": 3,
    "fqdn": 4,
    "system": 5,
    "release": 6,
    "architecture": 7,
    "ip_address": 10,
    "client_version": 12,
    "client_name": 13,
    "last_interrogate_flow_id": 16,
    "ping_time": 19,
    "last_interrogate_artifact_name": 21,
    "build_time": 24,
    "build_url": 25,
}
_NUMBERS = {
    "ping": 11,
    "last_hunt_timestamp": 17,
    "last_event_table_version": 18,
    "first_seen_at": 20,
    "labels_timestamp": 23,
    "install_time": 26,
    "has_tasks": 27,
}
_LISTS = {"labels": 15, "mac_addresses": 22}
_MAPS = {"in_flight_flows": 28, "metadata": 29}
_NUMBER_MAPS = {"in_flight_flows"}
_KNOWN = {*_TEXTS, *_NUMBERS, *_LISTS, *_MAPS}
_ROW_SHIFT = 40


def encode_client(row: Row) -> tuple[bytes, list[str]]:
    """The record of one client, and the names of fields that this encoder doesn't know."""
    fields: list[tuple[int, bytes]] = []
    for name, number in _TEXTS.items():
        if row.get(name):
            fields.append((number, _text(number, str(row[name]))))
    for name, number in _NUMBERS.items():
        if row.get(name):
            fields.append((number, _number(number, int(row[name]))))
    for name, number in _LISTS.items():
        fields += [(number, _text(number, str(item))) for item in row.get(name) or []]
    for name, number in _MAPS.items():
        for key, value in (row.get(name) or {}).items():
            pair = _text(1, key)
            pair += _number(2, int(value)) if name in _NUMBER_MAPS else _text(2, str(value))
            fields.append((number, _tag(number, _BYTES) + _varint(len(pair)) + pair))
    record = b"".join(encoded for _, encoded in sorted(fields, key=lambda field: field[0]))
    return record, sorted(set(row) - _KNOWN)


SERVER = "server"
"""The server's own row: a backup shortens it to its name, so the disk's is the better one."""


def client_list(rows: Iterable[Row], on_disk: bytes = b"") -> tuple[bytes, bytes, list[str]]:
    """The list's file, its index, and the fields that could not be kept.

    ``rows`` are a fresh backup's; of the list ``on_disk`` only the server's own row is taken.
    """
    lines = []
    unknown: set[str] = set()
    own = server_record(on_disk)
    for row in sorted(rows, key=lambda row: str(row["client_id"])):
        record, strange = encode_client(row)
        unknown.update(strange)
        info = own if row["client_id"] == SERVER and own else record.hex()
        pair = {"client_id": str(row["client_id"]), "info": info}
        lines.append(json.dumps(pair, separators=(",", ":")).encode() + b"\n")
    index = b"".join(struct.pack("<Q", place << _ROW_SHIFT) for place in range(len(lines)))
    return b"".join(lines), index, sorted(unknown)


def server_record(on_disk: bytes) -> str:
    """The server's own record (hex) in a client list; empty when it isn't there."""
    for line in on_disk.splitlines():
        if line.startswith(b'{"client_id":"server",'):
            return str(json.loads(line)["info"])
    return ""


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while True:
        piece, value = value & 0x7F, value >> 7
        out.append(piece | (0x80 if value else 0))
        if not value:
            return bytes(out)


def _tag(number: int, kind: int) -> bytes:
    return _varint(number << 3 | kind)


def _text(number: int, value: str) -> bytes:
    raw = value.encode()
    return _tag(number, _BYTES) + _varint(len(raw)) + raw


def _number(number: int, value: int) -> bytes:
    return _tag(number, _VARINT) + _varint(value)
