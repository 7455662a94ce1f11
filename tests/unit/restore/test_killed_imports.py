"""Killed at any moment, again and again: the end is that of an undisturbed import."""

import io
import shutil
import tempfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from recovery.errors import TargetError
from recovery.restore import batches, delete_flows, kept_lines, parcel, settle_hunts
from recovery.restore import context as context_module
from recovery.restore.context import Context
from recovery.restore.import_archives import import_archives
from recovery.restore.journal import Journal
from recovery.restore.kept_lines import lines_of
from recovery.restore.ledger import PATH, Ledger
from recovery.restore.request import Outcome, parse_request
from recovery.vault.folder_shelf import FolderShelf
from recovery.vault.manifest import Archive
from recovery.vault.shelf_vault import ShelfVault
from tests.unit.restore.points import Point
from tests.unit.restore.simulator import KilledError, Machine, Server, World, archive_of, hunt_of

CLIENT, OTHER = "C.1111111111111111", "C.2222222222222222-OACME"
SHORT = {
    ("root", CLIENT, "F.5"): {"rows": 2, "bytes": 0, "listed": True},
    ("root", CLIENT, "F.3"): {"rows": 3, "bytes": 10, "listed": True},
}
"""Flows that somebody else has imported: one lacks rows, the other is whole."""


def vault_with_archives(folder):
    """Seven flows of two orgs, one only in its hunt's archive; a hunt with two flows."""
    vault = ShelfVault(FolderShelf(folder))

    def stored(raw, name):
        return vault.put(io.BytesIO(raw), name)

    archives = []
    for number in range(6):
        client, org = (CLIENT, "root") if number % 2 else (OTHER, "OACME")
        upload = b"x" * 10 if number == 3 else b""
        raw = archive_of(client, f"F.{number}", number, upload)
        archives.append(
            Archive(
                kind="flow",
                org=org,
                file=stored(raw, f"F.{number}.zip"),
                client_id=client,
                flow_id=f"F.{number}",
                rows=number,
            )
        )
    raw = hunt_of("H.1", (CLIENT, "F.1", 1), (CLIENT, "F.9", 4))
    archives.append(Archive(kind="hunt", org="root", file=stored(raw, "H.1.zip"), hunt_id="H.1"))
    point = Point(folder)
    point.vault = vault
    point.changes = {"archives": archives}
    return point.make()


class Scene:
    """A world, and the import as it is begun anew after every kill."""

    def __init__(self, folder: Path, patch) -> None:
        self.folder = folder
        self.world = World()
        self.manifest = vault_with_archives(folder)
        patch.setattr(context_module, "open_target", lambda _uri: Machine(self.world))
        patch.setattr(Context, "api", lambda _self: Server(self.world))
        patch.setattr(batches.batches, "__defaults__", (2, 1 << 20))
        patch.setattr(settle_hunts, "_PAUSE", 0)
        patch.setattr(context_module, "SMALL", 380)  # of the archives some are larger
        patch.setattr(parcel, "SMALL", 110)  # of what is in them likewise
        patch.setattr(delete_flows, "_PAUSE", 0)

    def run(self, ticks=None, **more):
        """The import, killed after so many ticks; its report, or None when it was killed."""
        self.world.ticks = ticks
        request = parse_request(
            target="local://", vault=str(self.folder), point=self.manifest.point, **more
        )
        try:
            with Context(request, lambda _line: None) as context:
                return import_archives(context)
        except KilledError:
            return None
        finally:
            self.world.ticks = None


@pytest.fixture
def scene(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return Scene(tmp_path / "vault", monkeypatch)


def expected():
    flows = {
        ("OACME", OTHER, "F.0"): (0, 0),
        ("root", CLIENT, "F.1"): (1, 0),
        ("OACME", OTHER, "F.2"): (2, 0),
        ("root", CLIENT, "F.3"): (3, 10),
        ("OACME", OTHER, "F.4"): (4, 0),
        ("root", CLIENT, "F.5"): (5, 0),
        ("root", CLIENT, "F.9"): (4, 0),
    }
    return flows, {("root", "H.1"): frozenset({(CLIENT, "F.1"), (CLIENT, "F.9")})}


def test_undisturbed(scene):
    report = scene.run()
    assert report.findings == []
    assert "7 flows imported" in report.detail
    assert scene.world.summary() == expected()
    again = scene.run()
    assert "0 flows imported" in again.detail
    assert again.findings == []
    assert scene.world.summary() == expected()
    assert scene.world.restarts == 0


def lose_power(world):
    """What the server wrote last was not on the disk yet: rows of one flow, all of another."""
    world.boot += 1
    world.flows["root", CLIENT, "F.5"]["rows"] = 1
    del world.flows["OACME", OTHER, "F.4"]


def test_after_a_loss_of_power_what_was_imported_is_counted_once_more(scene):
    scene.run()
    lose_power(scene.world)
    scene.run(ticks=9)  # cut off before all of it was counted
    report = scene.run()
    assert report.findings == []
    assert "2 flows imported, 5 there already" in report.detail
    assert scene.world.summary() == expected()
    lines = scene.world.files[PATH]
    assert "0 flows imported, 7 there already" in scene.run().detail
    assert scene.world.files[PATH] == lines
    assert [line["boot"] for line in lines_of(lines.decode()) if "boot" in line] == ["1", "2"]


def killed_at_every_moment(scene, there):
    """Every tick there is, each in a world of its own that has the flows ``there`` before."""
    for ticks in range(1000):
        scene.world = World()
        scene.world.flows = {place: {**flow} for place, flow in there.items()}
        if scene.run(ticks) is not None:
            break
        report = scene.run()
        assert scene.world.summary() == expected(), f"after {ticks} ticks"
        assert report.findings == []
    assert ticks > 60


@pytest.mark.parametrize(("small", "kept"), [(1 << 20, bytes), (10, Path)])
def test_a_small_flow_of_an_orgs_client_gets_no_file(scene, monkeypatch, small, kept):
    for module in (context_module, parcel):
        monkeypatch.setattr(module, "SMALL", small)
    request = parse_request(target="local://", vault=str(scene.folder))
    with Context(request, lambda _line: None) as context:
        archive = next(one for one in context.manifest.archives if one.client_id == OTHER)
        made = parcel.parcel_of_flow(context, archive)
        assert isinstance(made.content, kept)
        with made.open() as content, zipfile.ZipFile(content) as flow:
            assert "client_info.json" not in flow.namelist()
        made.drop()
        assert not [file for file in context.folder.iterdir() if file.suffix == ".flow"]


def test_killed_once_at_every_single_moment(scene):
    killed_at_every_moment(scene, {})


def test_flows_alone_come_out_of_hunts_archives_too(scene):
    report = scene.run(providers=["flows"])
    assert report.findings == []
    assert scene.world.summary() == (expected()[0], {})
    scene.world = World()
    scene.run(providers=["users"])
    assert scene.world.summary() == ({}, {})


@pytest.mark.parametrize("room", [0, 3, 8])
def test_what_a_full_disk_left_short_is_imported_anew_once_there_is_space(scene, room):
    scene.world.room = room
    report = scene.run()
    assert "rows arrived" in "".join(report.findings)
    assert "is full" in report.findings[0]
    scene.world.room = None
    report = scene.run()
    assert report.findings == []
    assert scene.world.summary() == expected()


def test_flows_that_are_short_for_another_reason_are_told_of_again_and_left(scene):
    scene.world.lost, scene.world.cut = {"F.5"}, {"F.3"}
    for imported in (5, 0):
        report = scene.run()
        assert sorted(report.findings) == [
            f"root: {CLIENT} F.3: 5 of 10 bytes of uploads arrived",
            f"root: {CLIENT} F.5: 0 of 5 rows arrived",
        ]
        assert report.detail.startswith(f"{imported} flows imported")
    assert scene.world.restarts == 0


def test_a_flow_that_the_server_refuses_is_told_of_and_restarts_no_server(scene):
    scene.world.refused = {"F.5"}
    for _ in range(2):
        report = scene.run()
        assert report.findings == [f"root: {CLIENT} F.5: the server did not take it"]
    scene.world.refused = set()
    assert scene.run().findings == []
    assert scene.world.summary() == expected()
    assert scene.world.restarts == 0


def test_an_import_that_was_cut_off_is_taken_back_once_also_where_its_org_is_gone(scene):
    """What isn't imported anew (another choice, another point) restarts no server for ever."""
    ledger = Ledger(Machine(scene.world))
    ledger.begin([("root", CLIENT, "F.OLD"), ("OGONE", "C.3333333333333333", "F.OLD")])
    for _ in range(2):
        report = scene.run()
        assert report.findings == []
        assert scene.world.restarts == 1
    assert scene.world.summary() == expected()


def test_flows_of_another_importer_are_counted_and_replaced_where_they_are_short(scene):
    flows, _ = expected()
    scene.world.flows = {**SHORT}
    report = scene.run()
    assert "6 flows imported, 1 there already" in report.detail
    assert scene.world.summary()[0] == flows


def test_killed_at_any_moment_while_short_flows_are_replaced(scene):
    killed_at_every_moment(scene, SHORT)


class Kills(RuleBasedStateMachine):
    """Any number of kills, at any moment, with the ledger's and journal's own truth beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.folder = Path(tempfile.mkdtemp())
        self.patch.setenv("XDG_STATE_HOME", str(self.folder / "state"))
        self.scene = Scene(self.folder / "vault", self.patch)
        self.steps: set[str] = set()
        self.kills = 0

    @rule(ticks=st.integers(0, 160))
    def run_and_kill(self, ticks):
        self.kills += self.scene.run(ticks) is None

    @rule(step=st.sampled_from(["install", "place", "restore"]), ticks=st.integers(0, 8))
    def finish_a_step(self, step, ticks):
        """A journal's line may be cut off anywhere: then the step wasn't done."""
        self.scene.world.ticks = ticks
        try:
            Journal(Machine(self.scene.world), "P").add(Outcome(step=step, status="done"))
            self.steps.add(step)
        except KilledError:
            pass
        finally:
            self.scene.world.ticks = None

    @rule()
    @precondition(lambda self: self.kills)
    def go_on_to_the_end(self):
        report = self.scene.run()
        assert report.findings == []
        assert self.scene.world.summary() == expected()

    @invariant()
    def no_flow_has_another_id(self):
        flows, hunts = self.scene.world.summary()
        assert flows.keys() <= expected()[0].keys()
        assert hunts.keys() <= expected()[1].keys()

    @invariant()
    def what_the_ledger_calls_done_is_there_whole(self):
        ledger = Ledger(Machine(self.scene.world))
        flows, _ = self.scene.world.summary()
        for org in ("root", "OACME"):
            for client, flow in ledger.finished(org):
                assert flows[org, client, flow] == expected()[0][org, client, flow]

    @invariant()
    def the_journal_knows_what_was_done(self):
        journal = Journal(Machine(self.scene.world), "P")
        assert all(journal.is_done(step) for step in self.steps)

    def teardown(self):
        report = self.scene.run()
        assert report.findings == []
        assert self.scene.world.summary() == expected()
        self.patch.undo()
        shutil.rmtree(self.folder)


TestKills = Kills.TestCase
TestKills.settings = settings(
    max_examples=40,
    stateful_step_count=12,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


def test_a_run_that_lost_the_machine_imports_no_batch_more(scene, monkeypatch):
    """Whoever has it by now imports the same."""

    def lost(_context):
        if scene.world.flows:
            raise TargetError("another recovery's by now")

    monkeypatch.setattr(Context, "still_held", lost)
    with pytest.raises(TargetError, match="by now"):
        scene.run()
    assert 0 < len(scene.world.flows) < len(expected()[0])
    monkeypatch.setattr(Context, "still_held", lambda _context: None)
    assert scene.run().findings == []
    assert scene.world.summary() == expected()


def test_what_is_begun_is_on_the_disk_before_it_is_begun():
    """After a power cut, too; its end may be forgotten, and is imported anew then."""
    settled = []

    class Watched(Machine):
        def run(self, argv, **more):
            if argv[2] == kept_lines.APPEND:
                settled.append(argv[5])
            return super().run(argv, **more)

    ledger = Ledger(Watched(World()))
    ledger.begin([("root", "C.1", "F.1")])
    ledger.finish({("root", "C.1", "F.1"): ""})
    assert settled == ["settled", ""]


def test_a_line_after_one_that_was_cut_off_is_read():
    world = World()
    world.files[PATH] = b'{"org": "root", "cli'
    ledger = Ledger(Machine(world))
    ledger.begin([("root", "C.1", "F.1")])
    assert Ledger(Machine(world)).unfinished == [("root", "C.1", "F.1")]
    assert ["flow" in line for line in lines_of(world.files[PATH].decode())] == [False, True]
