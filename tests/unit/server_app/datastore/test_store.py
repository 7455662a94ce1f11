import os
import stat

import pytest

from server_app.datastore.store import DiskFullError, Store


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "ds")


def test_files_are_private_to_the_running_user(store):
    store.save("Org", {"id": "O1", "nonce": "n"}, "orgs", "O1")
    path = store.path("orgs", "O1", suffix=".json.db")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert path.stat().st_uid == os.getuid()


def test_a_write_leaves_no_temporary_file(store):
    store.save("Org", {"id": "O1"}, "orgs", "O1")
    assert [p.name for p in (store.root / "orgs").iterdir()] == ["O1.json.db"]


def test_a_write_that_fails_leaves_the_old_file(store, monkeypatch):
    store.save("Org", {"id": "old"}, "orgs", "O1")
    monkeypatch.setattr("pathlib.Path.replace", lambda *_: (_ for _ in ()).throw(OSError("x")))
    with pytest.raises(OSError, match="x"):
        store.save("Org", {"id": "new"}, "orgs", "O1")
    assert store.load("Org", "orgs", "O1") == {"id": "old"}
    assert [p.name for p in (store.root / "orgs").iterdir()] == ["O1.json.db"]


@pytest.mark.parametrize("content", [b"", b"{", b'{"id":7}'])
def test_empty_and_damaged_records_count_as_missing(store, content):
    store.write(store.path("orgs", "O1", suffix=".json.db"), content)
    assert store.load("Org", "orgs", "O1") is None


def test_below_the_minimum_of_free_space_nothing_is_written(tmp_path):
    store = Store(tmp_path / "ds", minimum_free_megabytes=1 << 40)
    store.check_space()
    with pytest.raises(DiskFullError, match="Insufficient disk space!"):
        store.save("Org", {"id": "O1"}, "orgs", "O1")
    assert not (tmp_path / "ds").exists()


@pytest.mark.parametrize("components", [("",), ("a", ".."), (".",)])
def test_paths_that_leave_the_folder_are_refused(store, components):
    with pytest.raises(ValueError, match="not a datastore path"):
        store.path(*components)


def test_record_names_are_decoded_and_sorted(store):
    for name in ("b", "sub/dir", "a"):
        store.save("Org", {"id": name}, "orgs", name)
    assert list(store.record_names("orgs")) == ["a", "b", "sub/dir"]
