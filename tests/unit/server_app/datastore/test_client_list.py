import json
import struct

import pytest

from server_app.datastore import client_list, tables
from server_app.datastore.store import Store

CLIENTS = {
    "C.1": {"client_id": "C.1", "hostname": "one", "labels": ["a", "b"], "ping": 5},
    "C.2": {"client_id": "C.2"},
}


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


def test_the_list_comes_back(store):
    client_list.save(store, CLIENTS)
    assert client_list.load(store) == CLIENTS


def test_rows_have_the_real_form(store):
    client_list.save(store, CLIENTS)
    path = store.path("client_info", "snapshot", suffix=".json")
    first = json.loads(path.read_text().splitlines()[0])
    assert list(first) == ["client_id", "info"]
    assert bytes.fromhex(first["info"]).startswith(b"\x0a\x03C.1")
    index = tables.index_path(path).read_bytes()
    assert [n for (n,) in struct.iter_unpack("<Q", index)] == [0, 1 << 40]


def test_damaged_rows_are_passed_over(store):
    client_list.save(store, CLIENTS)
    path = store.path("client_info", "snapshot", suffix=".json")
    path.write_text('{"client_id":"C.9","info":"zz"}\n{"client_id":1}\n' + path.read_text())
    assert set(client_list.load(store)) == {"C.1", "C.2"}


def test_a_missing_list_is_rebuilt_from_older_records(store):
    store.save_wire("ClientInfo", {"hostname": "old"}, "clients", "C.1")
    store.save("HuntLabels", {"label": ["kept"]}, "clients", "C.1", "labels")
    assert client_list.load(store) == {
        "C.1": {"client_id": "C.1", "hostname": "old", "labels": ["kept"]}
    }


def test_without_anything_it_is_empty(store):
    assert client_list.load(store) == {}
