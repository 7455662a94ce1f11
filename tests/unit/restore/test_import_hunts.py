"""Flows of hunts, assigned to their hunts by id: all of them, however many."""

import io
import json

import pytest

from recovery.restore import import_hunts
from recovery.restore.batches import chunks
from recovery.vault.manifest import Archive
from tests.unit.restore import simulator
from tests.unit.restore.points import Point
from tests.unit.restore.simulator import archive_of, hunt_of
from tests.unit.restore.test_killed_imports import CLIENT, Scene

FLOWS = [f"C.{number:016x}" for number in range(7)]


def with_hunt(point, *inside):
    """The scene's point: an export of H.1 with the flows ``inside``, and each flow's own."""
    raw = hunt_of("H.1", *inside)
    hunt = Archive(
        kind="hunt", org="root", file=point.vault.put(io.BytesIO(raw), "H.1.zip"), hunt_id="H.1"
    )
    flows = [
        Archive(
            kind="flow",
            org="root",
            file=point.vault.put(io.BytesIO(archive_of(client, "F.1.H", 2)), f"{client}.zip"),
            client_id=client,
            flow_id="F.1.H",
            rows=2,
        )
        for client in FLOWS
    ]
    point.changes = {"archives": [hunt, *flows]}
    return point.make()


@pytest.fixture
def scene(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    made = Scene(tmp_path / "vault", monkeypatch)
    made.manifest = with_hunt(Point(made.folder))
    return made


def test_a_hunt_whose_export_has_no_flows_gets_them_from_their_own(scene):
    report = scene.run()
    assert report.findings == []
    assert scene.world.hunts["root", "H.1"] == {(client, "F.1.H") for client in FLOWS}


def test_a_request_holds_so_many_members_and_no_more(scene, monkeypatch):
    asked = []
    add = simulator.Server.ask

    def ask(self, vql, *, env=None, **more):
        if vql == import_hunts._ADD:
            asked.append(len(json.loads(env["Members"])))
        return add(self, vql, env=env, **more)

    monkeypatch.setattr(simulator.Server, "ask", ask)
    monkeypatch.setattr(import_hunts, "AT_ONCE", 3)
    scene.run()
    assert asked == [3, 3, 1]
    assert len(scene.world.hunts["root", "H.1"]) == 7
    scene.run()
    assert asked == [3, 3, 1]  # none twice


def test_a_flow_in_both_exports_is_added_once(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    both = Scene(tmp_path / "vault", monkeypatch)
    both.manifest = with_hunt(Point(both.folder), (FLOWS[1], "F.1.H", 2), (CLIENT, "F.9", 1))
    added = []
    add = simulator.Server._add

    def seen(self, org, member):
        added.append((member["Client"], member["Flow"]))
        return add(self, org, member)

    monkeypatch.setattr(simulator.Server, "_add", seen)
    both.run()
    assert sorted(added) == sorted({*((client, "F.1.H") for client in FLOWS), (CLIENT, "F.9")})


def test_chunks():
    assert [list(some) for some in chunks(range(5), 2)] == [[0, 1], [2, 3], [4]]
    assert list(chunks([], 2)) == []
