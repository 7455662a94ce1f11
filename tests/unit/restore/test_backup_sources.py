"""Which backup an org comes back from, on what a real server wrote."""

import json
import zipfile
from contextlib import contextmanager
from datetime import timedelta

import pytest

from recovery.restore.accounts_of import accounts_of
from recovery.restore.backup_sources import newest_backups
from recovery.restore.context import Context
from recovery.restore.request import parse_request
from recovery.restore.state_files import org_records
from recovery.restore.were_running import WereRunning
from recovery.vault.shelf_vault import ShelfVault
from recovery.velociraptor.backup_file import artifacts_of
from tests.unit.restore.points import REAL, Point, tar_of, zip_of

OWN = (REAL / "backup_org_OACME_only.zip").read_bytes()


@pytest.fixture
def context(tmp_path, monkeypatch):
    """A point with the root's backup, and a newer one that was made inside another org."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    point = Point(tmp_path / "vault")
    made = point.make()
    point.backup = OWN
    own = point.make().backups[0]
    newer = made.captured_at + timedelta(minutes=5)
    backups = [*made.backups, own.model_copy(update={"org": "OACME", "made_at": newer})]
    point.changes = {"backups": backups, "point": "20261124T000000Z-bbbbbb", "state": []}
    manifest = point.make()
    request = parse_request(
        target="local://", vault=str(point.folder), point=manifest.point, strategy=["backup"]
    )
    with Context(request, lambda _line: None) as made_context:
        yield made_context


def test_each_org_has_the_newest_that_holds_it(context):
    found = newest_backups(context, context.manifest)
    assert list(found) == ["root", "O10Q0", "OACME"]
    assert found["root"][0].org == "root"
    assert found["OACME"][0].org == "OACME"
    assert found["O10Q0"][1] == found["root"][1] != found["OACME"][1]


def test_artifacts_at_the_zips_root_are_found(tmp_path):
    (tmp_path / "own.zip").write_bytes(OWN)
    with zipfile.ZipFile(tmp_path / "own.zip") as archive:
        assert not [name for name in archive.namelist() if name.startswith("orgs/OACME/artifacts/")]
        found = artifacts_of(archive, "OACME")
    assert found
    assert all(f"name: {name}" in text for name, text, _ in found)


def test_accounts_and_running_hunts_of_both(context):
    accounts = {(account.org, account.name) for account in accounts_of(context, context.manifest)}
    assert {("root", "admin"), ("OACME", "carol")} <= accounts
    running = WereRunning(context)
    assert set(running.orgs) == {"root", "O10Q0", "OACME"}
    hunt = "H.DC1TTKB0VNFA8"
    assert hunt in running.all()
    assert running.among("root", ["H.OTHER", hunt]) == [hunt]
    assert running.among("OACME", [hunt]) == []


def hunt(ident, state):
    record = json.dumps({"hunt_id": ident, "state": state}).encode()
    return zip_of({"hunt_info.json": record})


@contextmanager
def running_in(tmp_path, monkeypatch, org="root", **changes):
    """Which hunts ran, of a point with a stopped hunt in its state and an export that ran."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    point = Point(tmp_path / "vault")
    point.state = tar_of("hunts/H.A.json.db", data=b'{"hunt_id":"H.A","state":"STOPPED"}')
    point.hunt, point.hunt_changes = hunt("H.A", "RUNNING"), {"hunt_id": "H.A", "org": org}
    point.changes = changes
    manifest = point.make()
    request = parse_request(target="local://", vault=str(point.folder), point=manifest.point)
    with Context(request, lambda _line: None) as context:
        yield WereRunning(context)


def test_a_state_without_a_running_hunt_is_the_answer_for_its_org(tmp_path, monkeypatch):
    with running_in(tmp_path, monkeypatch) as running:
        assert running.among("root", ["H.A"]) == []


def test_an_org_without_state_is_told_of_by_its_backup_and_exports(tmp_path, monkeypatch):
    with running_in(tmp_path, monkeypatch, org="O10Q0") as running:
        assert running.among("root", ["H.A"]) == []
        assert running.among("O10Q0", ["H.A", "H.B"]) == ["H.A"]
        assert "H.A" in running.all()


def test_records_of_orgs_alone_are_no_answer(tmp_path, monkeypatch):
    parts = ["redeploy", "backup", "collections"]
    with running_in(tmp_path, monkeypatch, parts=parts) as running:
        assert running.among("root", ["H.A"]) == ["H.A"]


def test_an_export_is_fetched_once_when_its_hunt_is_asked_for_and_not_kept(tmp_path, monkeypatch):
    fetched = []
    fetch = ShelfVault.fetch

    def seen(self, item, into):
        fetched.append(item.name)
        return fetch(self, item, into)

    monkeypatch.setattr(ShelfVault, "fetch", seen)
    with running_in(tmp_path, monkeypatch, org="O10Q0") as running:
        running.among("O10Q0", ["H.B"])
        assert "hunt.zip" not in fetched
        before = sum(path.stat().st_size for path in running._context.folder.iterdir())
        assert running.among("O10Q0", ["H.A"]) == running.among("O10Q0", ["H.A"]) == ["H.A"]
        assert fetched.count("hunt.zip") == 1
        assert sum(path.stat().st_size for path in running._context.folder.iterdir()) == before


def test_org_records(tmp_path):
    path = tmp_path / "s.tar"
    path.write_bytes(tar_of("orgs/OACME.json.db", "orgs/OACME/acl/x.json.db", "acl/y.json.db"))
    assert org_records(path) == ["OACME"]
