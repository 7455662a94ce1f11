"""A point without archives of its own, between points that have some."""

import io

import pytest

from recovery.restore.borrow_archives import with_archives
from recovery.vault.folder_shelf import FolderShelf
from recovery.vault.manifest import Archive, DatastoreCopy
from recovery.vault.shelf_vault import ShelfVault
from recovery.velociraptor.inventory import Inventory
from tests.unit.vault.conftest import manifest_at

COPY = DatastoreCopy(repository="/mnt/copies", snapshot="a" * 64)


@pytest.fixture
def vault(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return ShelfVault(FolderShelf(tmp_path / "vault"), None)


def begun(vault, hours, **changed):
    """A point whose package and config are in the vault."""
    point = manifest_at(hours)
    stored = {name: vault.put(io.BytesIO(name.encode()), name) for name in ("package", "config")}
    package = point.package.model_copy(update={"file": stored["package"]})
    changed |= {"package": package, "config": stored["config"]}
    return point.model_copy(update=changed)


def counted(*flows, **more):
    return Inventory(orgs={"root": {"flows": dict.fromkeys(flows, "1"), **more}})


def full(vault, hours, *flows, hunt="", deployment="d" * 64):
    file = vault.put(io.BytesIO(b"zip"), "flow.zip")
    archives = [
        Archive(kind="flow", org="root", file=file, client_id="C.1", flow_id=flow) for flow in flows
    ]
    if hunt:
        archives.append(Archive(kind="hunt", org="root", file=file, hunt_id=hunt))
    point = begun(vault, hours, parts=["redeploy", "collections"], archives=archives)
    server = point.server.model_copy(update={"deployment": deployment})
    point = point.model_copy(update={"server": server})
    vault.commit(point)
    return point


def bare(vault, hours, inventory):
    point = begun(vault, hours, datastore=COPY, inventory=inventory)
    vault.commit(point)
    return point


def flows(point):
    return [archive.flow_id for archive in point.archives if archive.kind == "flow"]


def test_the_newest_earlier_point_lends_what_the_server_still_had(vault):
    full(vault, 0, "F.OLD")
    lender = full(vault, 1, "F.A", "F.DELETED", hunt="H.GONE")
    point = bare(vault, 2, counted("C.1/F.A", "C.1/F.NEW", hunts={}))
    full(vault, 3, "F.LATER")
    said = []
    assert flows(with_archives(point, vault, said.append)) == ["F.A"]
    assert lender.point in said[0]
    assert "1 of" in said[0]
    assert "--strategy datastore" in said[0]


def test_hunts_that_were_not_counted_are_taken_as_there(vault):
    full(vault, 1, hunt="H.A")
    point = bare(vault, 2, counted("C.1/F.A"))
    assert [one.hunt_id for one in with_archives(point, vault).archives] == ["H.A"]


def test_another_servers_archives_are_never_lent(vault):
    full(vault, 1, "F.A", deployment="e" * 64)
    said = []
    assert not with_archives(bare(vault, 2, counted("C.1/F.A")), vault, said.append).archives
    assert "no earlier point does" in said[0]


def test_a_point_that_was_captured_with_collections_stays_as_it_is(vault):
    full(vault, 0, "F.A")
    emptied = full(vault, 1).model_copy(update={"inventory": counted("C.1/F.A")})
    assert with_archives(emptied, vault) is emptied


def test_a_server_without_collections_needs_none(vault):
    full(vault, 0, "F.A")
    point = bare(vault, 1, counted())
    assert with_archives(point, vault) is point


def test_an_adopted_point_lends_only_when_its_content_is_the_newest(vault):
    full(vault, 0, "F.OLD")
    full(vault, 2, "F.A")
    adopted = begun(vault, 4, parts=["redeploy", "collections"]).model_copy(
        update={
            "captured_at": manifest_at(1).captured_at,
            "archives": [
                Archive(kind="flow", org="root", file=item, client_id="C.1", flow_id="F.ADOPTED")
                for item in [vault.put(io.BytesIO(b"zip"), "flow.zip")]
            ],
        }
    )
    vault.commit(adopted)
    point = bare(vault, 5, counted("C.1/F.A", "C.1/F.ADOPTED"))
    assert flows(with_archives(point, vault)) == ["F.A"]


def test_points_before_the_lender_stay_closed(vault, monkeypatch):
    for hours in range(3):
        full(vault, hours, "F.A")
    point = bare(vault, 3, counted("C.1/F.A"))
    opened = []
    read = ShelfVault.read_point

    def noted(self, name):
        opened.append(name)
        return read(self, name)

    monkeypatch.setattr(ShelfVault, "read_point", noted)
    assert flows(with_archives(point, vault)) == ["F.A"]
    assert opened == [point.point, manifest_at(2).point]
