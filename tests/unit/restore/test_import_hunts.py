"""Flows of hunts, assigned to their hunts by id: all of them, however many."""

import io
import json

import pytest

from recovery.errors import ServerError, TargetError
from recovery.restore import hunts_before, import_archives, import_hunts, settle_hunts
from recovery.restore.hunts_before import PATH
from recovery.vault.folder_shelf import FolderShelf
from recovery.vault.manifest import Archive
from recovery.vault.shelf_vault import ShelfVault
from recovery.velociraptor import portions
from tests.unit.restore import simulator
from tests.unit.restore.points import Point
from tests.unit.restore.simulator import archive_of, hunt_of
from tests.unit.restore.test_killed_imports import CLIENT, Scene

FLOWS = [f"C.{number:016x}" for number in range(7)]


STATS = {
    "total_clients_scheduled": 7,
    "total_clients_with_results": 7,
    "total_finished_clients": 7,
    "total_collected_rows": 14,
}


def with_hunt(point, *inside, **changes):
    """The scene's point: an export of H.1 with the flows ``inside``, and each flow's own."""
    raw = hunt_of("H.1", *inside, state="RUNNING", stats=STATS)
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
    point.changes = {"archives": [hunt, *flows], **changes}
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


def test_a_flow_whose_archive_is_damaged_is_not_assigned_to_its_hunt(scene):
    lost = next(one for one in scene.manifest.archives if one.client_id == FLOWS[3])
    vault = ShelfVault(FolderShelf(scene.folder))
    path = scene.folder / vault.object_names(lost.file)[0]
    path.chmod(0o600)
    path.write_bytes(bytes(path.stat().st_size))
    (told,) = scene.run().findings
    assert told.startswith(f"root: not imported: {FLOWS[3]} F.1.H: ")
    left = {(client, "F.1.H") for client in FLOWS if client != FLOWS[3]}
    assert scene.world.hunts["root", "H.1"] == left


def of_artifact(point, name):
    """The point's hunt asks for an artifact, with a parameter."""
    request = {"artifacts": [name], "specs": [{"artifact": name}], "creator": "ann"}
    compiled = {"compiled_collector_args": [{"Query": [{"VQL": "SELECT 1 FROM scope()"}]}]}
    asked = hunt_of("H.1", state="RUNNING", stats=STATS, start_request=request | compiled)
    made = with_hunt(point)
    hunt = next(one for one in made.archives if one.kind == "hunt")
    file = point.vault.put(io.BytesIO(asked), "H.1.zip")
    flows = [one for one in made.archives if one.kind == "flow"]
    point.changes = {"archives": [hunt.model_copy(update={"file": file}), *flows]}
    return point.make(), request


def test_a_hunt_whose_artifact_was_removed_comes_as_it_is_written(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    scene = Scene(tmp_path / "vault", monkeypatch)
    scene.manifest, request = of_artifact(Point(scene.folder), "Custom.Gone")
    scene.world.removed = {"Custom.Gone"}
    report = scene.run()
    assert report.findings == []
    assert scene.world.hunts["root", "H.1"] == {(client, "F.1.H") for client in FLOWS}
    assert scene.world.records["root", "H.1"]["state"] == "PAUSED"
    assert {name: scene.world.records["root", "H.1"]["stats"][name] for name in STATS} == STATS
    assert scene.world.written[0]["start_request"] == request


def test_one_that_is_refused_for_another_reason_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    scene = Scene(tmp_path / "vault", monkeypatch)
    scene.manifest, _ = of_artifact(Point(scene.folder), "Custom.There")
    monkeypatch.setattr(simulator.Server, "_import_hunt", lambda *_: None)
    assert scene.run().findings == ["root: the hunt H.1 was not taken by the server"]
    assert scene.world.written == []


def test_a_request_holds_so_many_members_and_no_more(scene, monkeypatch):
    asked = []
    add = simulator.Server.ask

    def ask(self, vql, *, env=None, **more):
        if vql == import_hunts._ADD:
            asked.append(len(json.loads(env["Members"])))
        return add(self, vql, env=env, **more)

    monkeypatch.setattr(simulator.Server, "ask", ask)
    member = {"Hunt": "H.1", "Client": FLOWS[0], "Flow": "F.1.H"}
    monkeypatch.setattr(portions.portions, "__defaults__", (3 * portions.size_of(member),))
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


def knows_the_hunt(world):
    """A server to which a state brought the hunt, and another one whose counts are odd."""
    world.hunts["root", "H.1"] = {(FLOWS[0], "F.1.H")}
    world.records["root", "H.1"] = {"state": "STOPPED", "stats": STATS | {"total_more": 1}}
    world.hunts["root", "H.2"] = set()
    world.records["root", "H.2"] = {"state": "PAUSED", "stats": STATS}


def knows_no_hunt(_world):
    pass


@pytest.mark.parametrize("begin", [knows_the_hunt, knows_no_hunt])
def test_counts_are_the_same_killed_or_not(scene, begin):
    begin(scene.world)
    assert scene.run().findings == []
    right = scene.world.records
    stats = right["root", "H.1"]["stats"]
    assert {name: stats[name] for name in STATS} == STATS
    assert right["root", "H.1"]["state"] == ("STOPPED" if begin is knows_the_hunt else "PAUSED")
    for ticks in range(1000):
        scene.world = simulator.World()
        begin(scene.world)
        if scene.run(ticks) is not None:
            break
        assert scene.run().findings == []
        assert scene.world.records == right, f"after {ticks} ticks"
        noted = scene.world.files[PATH]
        scene.run()
        assert scene.world.files[PATH] == noted  # nothing was touched
    assert ticks > 80


def test_hunts_that_no_import_touched_are_left_as_they_are(scene):
    scene.run()
    later = {"state": "STOPPED", "stats": dict.fromkeys(STATS, 9)}
    scene.world.records["root", "H.1"] = later
    assert scene.run().findings == []
    assert scene.world.records["root", "H.1"] == later


def test_a_hunt_that_runs_is_left_as_it_is_and_the_other_is_put_right(scene, monkeypatch):
    knows_the_hunt(scene.world)
    scene.world.records["root", "H.1"]["state"] = "RUNNING"
    written = []
    restore = simulator.Server._restore
    monkeypatch.setattr(
        simulator.Server, "_restore", lambda self, org: written.append(org) or restore(self, org)
    )
    (told,) = scene.run().findings
    assert told.startswith("root: the hunt H.1 runs, and counts ")
    assert written == []
    assert scene.world.records["root", "H.1"]["state"] == "RUNNING"


def asked_of(scene, monkeypatch):
    """What of its hunts the server is asked in one run, by name."""
    names = {
        hunts_before._COUNTS: "counts",
        import_hunts._HUNTS: "hunts",
        import_hunts._MEMBERS: "members",
        settle_hunts._LIVE: "live",
        settle_hunts._MEMBERS: "number of members",
    }
    asked = []
    ask = simulator.Server.ask

    def seen(self, vql, **more):
        if vql in names:
            asked.append(names[vql])
        return ask(self, vql, **more)

    with monkeypatch.context() as patch:
        patch.setattr(simulator.Server, "ask", seen)
        scene.run()
    return asked


def test_a_server_is_asked_for_its_hunts_once_where_it_has_them_all(scene, monkeypatch):
    knows_the_hunt(scene.world)
    looks = ["live", "live", "number of members", "live", "live"]  # until two in a row are equal
    looks += ["live"]  # of those that run
    assert asked_of(scene, monkeypatch) == ["counts", "members", *looks]
    assert asked_of(scene, monkeypatch) == ["counts", "members"]


def test_counts_that_do_not_settle_are_a_finding_and_the_next_run_puts_it_right(scene, monkeypatch):
    monkeypatch.setattr(settle_hunts, "_PATIENCE", -1)
    (finding,) = scene.run().findings
    assert finding.startswith("root: the counts of H.1 may be too high: they did not settle")
    monkeypatch.setattr(settle_hunts, "_PATIENCE", 10)
    assert scene.run().findings == []
    stats = scene.world.records["root", "H.1"]["stats"]
    assert {name: stats[name] for name in STATS} == STATS


def test_a_server_that_refuses_the_counts_is_a_finding(scene, monkeypatch):
    def refuse(*_args):
        raise ServerError("Hunt: no room")

    with monkeypatch.context() as patch:
        patch.setattr(settle_hunts, "call_restore", refuse)
        (finding,) = scene.run().findings
    assert finding.startswith("root: the counts of H.1 may be too high: Hunt: no room")
    assert scene.run().findings == []
    assert scene.world.records["root", "H.1"]["state"] == "PAUSED"


def test_who_took_part_not_noted_is_a_finding(scene, monkeypatch):
    def refuse(*_args):
        raise TargetError("the disk is full")

    scene.manifest = with_hunt(Point(scene.folder), state=[])
    monkeypatch.setattr(import_archives, "mark_took_part", refuse)
    (finding,) = scene.run().findings
    assert "released hunts would run again" in finding
