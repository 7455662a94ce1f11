import hashlib
import io

import pytest

from recovery.capture.collection import Collection
from recovery.capture.earlier_points import EarlierPoints
from recovery.vault.folder_shelf import FolderShelf
from recovery.vault.manifest import Archive
from recovery.vault.shelf_vault import ShelfVault
from recovery.velociraptor.inventory import Inventory
from tests.unit.vault.conftest import item, manifest_at

DEPLOYMENT = "d" * 64


class Watched(ShelfVault):
    """A vault that notes which points were opened."""

    def __init__(self, folder):
        super().__init__(FolderShelf(folder))
        self.opened = []

    def read_point(self, name):
        self.opened.append(name)
        return super().read_point(name)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "vault"


def flow(ident, fingerprint):
    return Collection("flow", "root", ident, "C.1", "h", "FINISHED", (), 0, 0, None, fingerprint)


def store(folder, hours, archived=(), counted=(), **more):
    """A point that counts flows, and holds archives of ``(flow, fingerprint)``."""
    vault = ShelfVault(FolderShelf(folder))
    for text in ("package", "config", *(mark for _, mark in archived)):
        vault.put(io.BytesIO(text.encode()), text)
    archives = [
        Archive(
            kind="flow",
            org="root",
            file=item(mark),
            client_id="C.1",
            flow_id=ident,
            fingerprint=mark,
        )
        for ident, mark in archived
    ]
    flows = {f"C.1/{ident}": "x" for ident in counted}
    point = manifest_at(hours, **more).model_copy(
        update={"archives": archives, "inventory": Inventory(orgs={"root": {"flows": flows}})}
    )
    vault.commit(point)
    return point.point


def test_only_the_newest_is_opened_for_what_it_holds_and_for_what_is_new(folder):
    store(folder, 0, [("F.1", "one")], ["F.1"])
    newest = store(folder, 1, [("F.1", "one")], ["F.1"])
    vault = Watched(folder)
    found = EarlierPoints(vault, DEPLOYMENT).archives([flow("F.1", "one"), flow("F.9", "new")])
    assert list(found) == ["one"]
    assert vault.opened == [newest]


def test_a_flow_that_changed_since_the_newest_is_not_looked_for(folder):
    store(folder, 0, [("F.1", "older")], ["F.1"])
    newest = store(folder, 1, [("F.1", "old")], ["F.1"])
    vault = Watched(folder)
    assert "now" not in EarlierPoints(vault, DEPLOYMENT).archives([flow("F.1", "now")])
    assert vault.opened == [newest]


def test_what_the_newest_left_out_is_found_in_the_last_point_that_has_it(folder):
    names = [
        store(folder, 0, [("F.1", "one")], ["F.1"]),
        store(folder, 1, [("F.1", "one"), ("F.2", "two")], ["F.1", "F.2"]),
        store(folder, 2, [], ["F.1", "F.2"]),
    ]
    vault = Watched(folder)
    found = EarlierPoints(vault, DEPLOYMENT).archives([flow("F.1", "one"), flow("F.2", "two")])
    assert found.keys() == {"one", "two"}
    assert vault.opened == [names[2], names[1]]


def test_an_export_that_failed_is_not_looked_for(folder):
    store(folder, 0, [], ["F.1"])
    newest = store(folder, 1, [], ["F.1"], gaps=["root: C.1 F.1: the server made no export"])
    vault = Watched(folder)
    assert EarlierPoints(vault, DEPLOYMENT).archives([flow("F.1", "one")]) == {}
    assert vault.opened == [newest]


def test_an_archive_that_is_gone_from_the_vault_is_none(folder):
    store(folder, 0, [("F.1", "one")], ["F.1"])
    digest = hashlib.sha256(b"one").hexdigest()
    (folder / "objects" / digest[:2] / digest).unlink()
    assert EarlierPoints(Watched(folder), DEPLOYMENT).archives([flow("F.1", "one")]) == {}


def test_another_servers_points_are_passed_over(folder):
    store(folder, 0, [("F.1", "one")], ["F.1"])
    points = EarlierPoints(Watched(folder), "e" * 64)
    assert points.newest() is None
    assert points.archives([flow("F.1", "one")]) == {}
