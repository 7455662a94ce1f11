"""A hunt's archive is read once; what the import needs later is kept without it."""

import io
import json
import random
import time
import warnings
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest

from recovery.errors import BadInputError
from recovery.restore import import_archives
from recovery.restore.archived_hunts import parcels_of_hunt
from recovery.restore.context import Context
from recovery.restore.request import parse_request
from recovery.vault.manifest import Archive
from recovery.vault.shelf_vault import ShelfVault
from tests.unit.restore import simulator
from tests.unit.restore.points import Point
from tests.unit.restore.simulator import archive_of, hunt_of
from tests.unit.restore.test_killed_imports import CLIENT, OTHER, Scene

LARGE = 100_000


def large_flow(name):
    """A flow whose upload no zip makes smaller."""
    return archive_of(CLIENT, name, 1, random.Random(name).randbytes(LARGE))  # noqa: S311


def exported(hunt, *flows, archives=(), **record):
    """An export of ``hunt`` with the whole ``archives`` beside the usual ``flows``."""
    out = io.BytesIO(hunt_of(hunt, *flows, **record))
    with zipfile.ZipFile(out, "a") as whole:
        for number, raw in enumerate(archives):
            with zipfile.ZipFile(io.BytesIO(raw)) as flow:
                for name in flow.namelist():
                    whole.writestr(f"large{number}/{name}", flow.read(name))
    return out.getvalue()


def point_of(folder, hunts, **changes):
    """A point with nothing to import but ``hunts``: id → its export."""
    point = Point(folder)
    point.changes = {
        "archives": [
            Archive(
                kind="hunt",
                org="root",
                file=point.vault.put(io.BytesIO(raw), f"{hunt}.zip"),
                hunt_id=hunt,
            )
            for hunt, raw in hunts.items()
        ],
        **changes,
    }
    return point.make()


def run_again(hunt, *flows):
    """An export of a hunt that ran more than once on a client: its flows in one folder."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as whole, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of names that come twice
        whole.writestr("hunt_info.json", json.dumps({"hunt_id": hunt}))
        for client, flow, rows in flows:
            with zipfile.ZipFile(
                io.BytesIO(archive_of(client, flow, rows, b"of " + flow.encode()))
            ) as one:
                whole.writestr(f"vm-{client}/client_info.json", '{"hostname":"vm"}')
                for name in one.namelist():
                    whole.writestr(f"vm-{client}/{name}", one.read(name))
    return out.getvalue()


@pytest.fixture
def scene(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return Scene(tmp_path / "vault", monkeypatch)


def test_the_work_folder_holds_one_export_at_a_time_and_each_is_fetched_once(scene, monkeypatch):
    """A machine's folder for temporary files may be smaller than all of them together."""
    hunts = {
        f"H.{number}": exported(f"H.{number}", archives=[large_flow(f"F.{number}.H")])
        for number in range(20)
    }
    scene.manifest = point_of(scene.folder, hunts, state=[])
    fetched, held = [], []
    fetch, run_import = ShelfVault.fetch, import_archives.import_parcels

    def in_use(folder: Path):
        total = 0
        for path in folder.iterdir():
            with suppress(FileNotFoundError):  # the other lane is done with it
                total += path.stat().st_size
        return total

    def seen(self, item, into):
        fetch(self, item, into)
        fetched.append(item.name)
        held.append(in_use(into.parent))
        return into

    def imported(context, *args):
        held.append(in_use(context.folder))
        return run_import(context, *args)

    monkeypatch.setattr(ShelfVault, "fetch", seen)
    monkeypatch.setattr(import_archives, "import_parcels", imported)
    assert scene.run().findings == []
    assert [name for name in fetched if name.startswith("H.")] == [f"{hunt}.zip" for hunt in hunts]
    # The most: an export, a batch of two flows being made of it, and in each of three lanes one on
    # its way, once as files and once as the tar of them.
    assert LARGE < max(held) < (1 + 2 + 3 * 4) * 1.1 * LARGE
    assert {hunt: len(scene.world.hunts["root", hunt]) for hunt in hunts} == dict.fromkeys(hunts, 1)


def test_a_second_run_counts_a_hunts_flows_as_there_and_tells_again_what_was_short(scene):
    """Only flows with archives of their own were told of: it ended with 0, and said 0 there."""
    raw = exported("H.1", (CLIENT, "F.1.H", 3), ("C.3333333333333333", "F.1.H", 1))
    scene.manifest = point_of(scene.folder, {"H.1": raw}, state=[])
    lose = simulator.Server._import

    def short(self, org, parcel):
        got = lose(self, org, parcel)
        self.world.flows[org, parcel["Client"], parcel["Flow"]]["rows"] = 1
        return got

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simulator.Server, "_import", short)
        first = scene.run()
    assert first.findings == [f"root: {CLIENT} F.1.H: 1 of 3 rows arrived"]
    again = scene.run()
    assert again.findings == first.findings
    assert again.detail == "0 flows imported, 2 there already, 1 hunt"


def opened(tmp_path, raw, choice=None, taken=()):
    """The flows that come out of an export, and what is kept of the hunt."""
    manifest = point_of(tmp_path / "vault", {"H.1": raw})
    request = parse_request(
        target="docker://nobody", vault=str(tmp_path / "vault"), **(choice or {})
    )
    hunts, expected = {}, []
    with Context(request, lambda _line: None) as context:
        (archive,) = manifest.archives
        parcels = list(parcels_of_hunt(context, archive, set(taken), hunts, expected.append))
        assert expected == [len(parcels)]  # known when the first came
        left = {path.suffix for path in context.folder.iterdir()}
        assert left <= {".hunt", ".flow"}
        with zipfile.ZipFile(hunts["H.1"].file) as alone:
            assert alone.namelist() == ["hunt_info.json"]
            assert json.loads(alone.read("hunt_info.json"))["hunt_id"] == "H.1"
        return [parcel.place for parcel in parcels], hunts["H.1"]


def test_what_is_kept_names_all_flows_also_those_that_are_there(tmp_path):
    places = [(CLIENT, "F.1.H"), ("C.3333333333333333", "F.1.H")]
    raw = exported("H.1", *((*place, 1) for place in places))
    came, kept = opened(tmp_path, raw, taken=places[:1])
    assert came == places[1:]
    assert kept.flows == tuple(places)
    assert kept.clients == {client for client, _ in places}


def test_a_flow_that_is_not_wanted_is_no_member_but_its_client_took_part(tmp_path):
    """It isn't on the server: a hunt that lists it has a result that nobody can open."""
    other = "C.3333333333333333"
    old, new = (
        archive_of(client, "F.1.H", 1, active_time=day * 86_400_000_000)
        for client, day in ((CLIENT, 1), (other, 20_000))
    )
    raw = exported("H.1", archives=[old, new])
    came, kept = opened(tmp_path, raw, {"flows_since": "2020-01-01"})
    assert came == list(kept.flows) == [(other, "F.1.H")]
    assert kept.clients == {CLIENT, other}


def test_an_export_with_a_flow_of_another_org_is_refused_before_its_first_flow(tmp_path):
    raw = exported("H.1", (CLIENT, "F.1.H", 1), (OTHER, "F.1.H", 1))
    manifest = point_of(tmp_path / "vault", {"H.1": raw})
    request = parse_request(target="docker://nobody", vault=str(tmp_path / "vault"))
    hunts = {}
    with Context(request, lambda _line: None) as context:
        flows = parcels_of_hunt(context, manifest.archives[0], set(), hunts, int)
        with pytest.raises(BadInputError, match="OACME"):
            next(flows)
        assert [path.suffix for path in context.folder.iterdir()] == []
    assert hunts == {}


def seconds_each(tmp_path, flows):
    raw = exported("H.1", *((f"C.{number:016x}", "F.1.H", 1) for number in range(flows)))
    began = time.process_time()
    came, _ = opened(tmp_path / str(flows), raw)
    assert len(came) == flows
    return (time.process_time() - began) / flows


def test_a_flow_of_a_large_hunt_takes_as_long_as_one_of_a_small_hunt(tmp_path):
    """Each looked through all members of the zip: ten times as long here, hours for 30,000."""
    assert seconds_each(tmp_path, 1500) < 3 * seconds_each(tmp_path, 150)


def test_a_hunt_that_ran_on_a_client_once_more_has_both_flows_in_one_folder(scene):
    """Seen on a real server (``hunt_add(relaunch=TRUE)``): the export was refused as a whole."""
    third = "C.3333333333333333"
    flows = [(CLIENT, "F.1.H", 3), (third, "F.1.H", 1), (CLIENT, "F.AGAIN", 5)]
    scene.manifest = point_of(scene.folder, {"H.1": run_again("H.1", *flows)}, state=[])
    report = scene.run()
    assert report.findings == []
    came = {place[1:]: flow["rows"] for place, flow in scene.world.flows.items()}
    assert {place: came[place] for place in came if place[1] in ("F.1.H", "F.AGAIN")} == {
        (client, flow): rows for client, flow, rows in flows
    }
    assert len(scene.world.hunts["root", "H.1"]) == 3


def test_other_members_of_one_name_are_still_refused(scene):
    raw = io.BytesIO(run_again("H.1", (CLIENT, "F.1.H", 3)))
    with zipfile.ZipFile(raw, "a") as whole, pytest.warns(UserWarning, match="Duplicate"):
        whole.writestr(f"vm-{CLIENT}/results/Custom.A.json", "{}")
    scene.manifest = point_of(scene.folder, {"H.1": raw.getvalue()}, state=[])
    (finding,) = scene.run().findings
    assert "two members of one name" in finding
