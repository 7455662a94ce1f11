import hashlib
import io
from datetime import UTC, datetime, timedelta

import pytest

from recovery.vault.folder_shelf import FolderShelf
from recovery.vault.keys import new_keys
from recovery.vault.manifest import Archive, Manifest, Package, Server, StoredObject
from recovery.vault.shelf_vault import ShelfVault
from recovery.velociraptor.inventory import Inventory

BEGIN = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def own_state_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def keys():
    return new_keys()


@pytest.fixture(params=["plain", "sealed"])
def any_vault(request, tmp_path, keys):
    return ShelfVault(FolderShelf(tmp_path / "vault"), keys if request.param == "sealed" else None)


@pytest.fixture
def vault(tmp_path, keys):
    return ShelfVault(FolderShelf(tmp_path / "vault"), keys)


def item(text, name="thing"):
    raw = text.encode()
    return StoredObject(sha256=hashlib.sha256(raw).hexdigest(), size=len(raw), name=name)


def manifest_at(hours, *texts, package="package", config="config", gaps=()):
    """A manifest made ``hours`` after the first, its objects named by their texts."""
    at = BEGIN + timedelta(hours=hours)
    return Manifest(
        point=f"{at:%Y%m%dT%H%M%SZ}-aaaaaa",
        captured_at=at,
        finished_at=at,
        parts=["redeploy"],
        server=Server(
            kind="velociraptor", version="0.77.2", deployment="d" * 64, uri="x", server_urls=[]
        ),
        package=Package(file=item(package), version="1", config_fingerprint="f", origin="kept"),
        config=item(config),
        config_newer=False,
        archives=[
            Archive(kind="flow", org="root", file=item(text), flow_id=f"F.{text}") for text in texts
        ],
        inventory=Inventory(orgs={"root": {}}),
        gaps=list(gaps),
    )


@pytest.fixture
def make_point():
    return manifest_at


@pytest.fixture
def store_point(make_point):
    """Puts the objects of a point into a vault and commits it."""

    def store(vault, hours, *texts, **more):
        manifest = make_point(hours, *texts, **more)
        for text in ("package", "config", *texts):
            vault.put(io.BytesIO(text.encode()), text)
        vault.commit(manifest)
        return manifest

    return store
