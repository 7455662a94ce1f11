import json
import struct
from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from hypothesis import given
from hypothesis import strategies as st

from recovery.capture.client_record import client_list, encode_client

HERE = Path(__file__).parent
BACKUP = (HERE / "real_backup_client_info.jsonl").read_text().splitlines()
DISK = (HERE / "real_client_list.jsonl").read_bytes()

TYPE = descriptor_pb2.FieldDescriptorProto
TEXT, U64, BOOL = TYPE.TYPE_STRING, TYPE.TYPE_UINT64, TYPE.TYPE_BOOL
FIELDS = {
    "client_id": (1, TEXT),
    "hostname": (3, TEXT),
    "fqdn": (4, TEXT),
    "ip_address": (10, TEXT),
    "ping": (11, U64),
    "client_version": (12, TEXT),
    "last_hunt_timestamp": (17, U64),
    "first_seen_at": (20, U64),
    "install_time": (26, U64),
    "has_tasks": (27, BOOL),
}


def message_class():
    """ClientInfo for Google's own encoder, from the same field numbers."""
    file = descriptor_pb2.FileDescriptorProto(name="client.proto", package="t", syntax="proto3")
    info = file.message_type.add(name="ClientInfo")
    for name, (number, kind) in FIELDS.items():
        info.field.add(name=name, number=number, type=kind, label=TYPE.LABEL_OPTIONAL)
    info.field.add(name="labels", number=15, type=TEXT, label=TYPE.LABEL_REPEATED)
    for name, number, value in (
        ("in_flight_flows", 28, TYPE.TYPE_INT64),
        ("metadata", 29, TEXT),
    ):
        entry = "".join(part.title() for part in name.split("_")) + "Entry"
        nested = info.nested_type.add(name=entry)
        nested.options.map_entry = True
        nested.field.add(name="key", number=1, type=TEXT, label=TYPE.LABEL_OPTIONAL)
        nested.field.add(name="value", number=2, type=value, label=TYPE.LABEL_OPTIONAL)
        info.field.add(
            name=name,
            number=number,
            type=TYPE.TYPE_MESSAGE,
            label=TYPE.LABEL_REPEATED,
            type_name=f".t.ClientInfo.{entry}",
        )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("t.ClientInfo"))


ClientInfo = message_class()


def test_real_rows_give_the_bytes_that_the_real_server_wrote_itself():
    rows = [json.loads(line) for line in BACKUP]
    lines, index, unknown = client_list(rows, DISK)
    assert sorted(lines.splitlines()) == sorted(DISK.splitlines())
    assert unknown == []
    assert index == b"".join(struct.pack("<Q", row << 40) for row in range(len(rows)))


def test_the_servers_own_row_is_the_backups_when_the_disk_has_none():
    lines, _, _ = client_list([{"client_id": "server", "hostname": "server"}])
    assert json.loads(lines) == {
        "client_id": "server",
        "info": "0a067365727665721a06736572766572",
    }


OPTIONAL = {name: field for name, field in FIELDS.items() if name != "client_id"}
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
rows = st.fixed_dictionaries(
    {"client_id": texts},
    optional={
        **{name: texts for name, (_, kind) in OPTIONAL.items() if kind == TEXT},
        **{
            name: st.integers(0, (1 << 64) - 1) for name, (_, kind) in FIELDS.items() if kind == U64
        },
        "has_tasks": st.booleans(),
        "labels": st.lists(texts.filter(bool)),
        "in_flight_flows": st.dictionaries(texts, st.integers(-(1 << 63), (1 << 63) - 1)),
        "metadata": st.dictionaries(texts, texts),
    },
)


@given(rows)
def test_any_row_is_read_back_by_googles_decoder(row):
    record, unknown = encode_client(row)
    message = ClientInfo.FromString(record)
    assert unknown == []
    for name, value in row.items():
        got = getattr(message, name)
        want = list(value) if isinstance(value, list) else value
        assert (
            dict(got) if isinstance(value, dict) else list(got) if name == "labels" else got
        ) == (want)


def test_a_field_of_a_newer_server_is_named():
    _, unknown = encode_client({"client_id": "C.1", "shoe_size": 43})
    assert unknown == ["shoe_size"]


@pytest.mark.parametrize("value", [None, "", 0, [], {}])
def test_empty_values_leave_no_bytes(value):
    names = ("hostname", "ping", "labels", "metadata")
    assert encode_client(dict.fromkeys(names, value)) == (b"", [])
