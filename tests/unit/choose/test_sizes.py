"""The measuring command, really run on a datastore's tree."""

import os
import time
from datetime import timedelta
from pathlib import Path

import pytest

from recovery.choose.sizes import measure, parse
from recovery.errors import CommandError
from recovery.target import open_target

DAY = 86400
FILES = {
    "orgs/OACME.json.db": (100, 0),
    "users/admin.db": (10, 400),
    "client_info/snapshot.json": (1000, 0),
    "clients/C.1/key.db": (5, 0),
    "clients/C.1/collections/F.1.json.db": (7, 2),
    "clients/C.1/collections/F.1/uploads/file/a b": (5000, 2),
    "clients/C.1/artifacts/Generic/F.1.json": (300, 2),
    "clients/C.1/collections/F.2.json.db": (7, 90),
    "clients/C.1/artifacts/Generic/F.2.json": (900, 90),
    "clients/C.1/monitoring/Generic.Client.Stats/2026-01-01.json": (50, 0),
    "orgs/OACME/clients/C.2/collections/F.3.json.db": (7, 20),
    "orgs/OACME/acl/admin.json.db": (3, 0),
    "server_artifacts/Server.Monitor.Health/2026-01-01.json": (60, 0),
    "downloads/hunts/H.1/H.1.zip": (2000, 3),
    "backups/old.zip": (400, 5),
    "backups/new.zip": (600, 1),
    "strange": (1, 0),
}
"""Path → size and age in days."""


@pytest.fixture
def datastore(tmp_path):
    for name, (size, age) in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * size)
        when = time.time() - age * DAY - 60
        os.utime(path, (when, when))
    return str(tmp_path)


def test_every_file_is_counted_where_it_belongs(datastore):
    found = measure(open_target("local://"), [datastore], timedelta(days=30))
    assert (found.files, found.total) == (len(FILES), sum(size for size, _ in FILES.values()))
    assert found.state == 100 + 10 + 1000 + 5 + 3
    assert found.flows == 7 + 5000 + 300 + 7 + 900 + 7
    assert found.flows_kept == 7 + 5000 + 300 + 7
    assert (found.flow_count, found.flow_count_kept) == (3, 2)
    assert found.events == 110
    assert found.exports == 2000
    assert (found.backups, found.backup) == (1000, 600)
    assert found.other == 1
    assert found.flows_month == found.flows_kept
    assert found.changed_month == found.total - 10 - 7 - 900


def test_a_file_store_of_its_own_is_counted_with_the_records(datastore, tmp_path):
    records = tmp_path.parent / f"{tmp_path.name}-records"
    for name in (name for name in FILES if name.endswith(".db")):
        (records / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).rename(records / name)
    apart = measure(open_target("local://"), [str(records), datastore], None)
    assert (apart.files, apart.flow_count, apart.backup) == (len(FILES), 3, 600)


def test_all_collections_are_kept_where_no_time_is_given(datastore):
    found = measure(open_target("local://"), [datastore], None)
    assert (found.flows_kept, found.flow_count_kept) == (found.flows, 3)


def test_a_name_that_would_be_read_as_numbers_does_no_harm(datastore):
    Path(datastore, "x\n9e9 9999 evil").touch()
    found = measure(open_target("local://"), [datastore], None)
    assert found.total < 9 * sum(size for size, _ in FILES.values())


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(CommandError):
        measure(open_target("local://"), [str(tmp_path / "none")], None)


@pytest.mark.parametrize("text", ["", "files 1\n", "files 1\ntotal 2\nflow_count 3\nrogue 4\n"])
def test_an_answer_of_another_kind_is_refused(text):
    with pytest.raises(ValueError, match=r".+"):
        parse(text, "test")
