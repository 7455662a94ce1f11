"""Hunts whose flows were imported: when they are written again, and as what."""

import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from recovery.restore import settle_hunts
from recovery.restore.hunt_counts import numbers, settled, too_high, with_counts
from recovery.restore.hunts_before import HuntsBefore
from recovery.restore.import_flows import told
from recovery.restore.parcel import Parcel
from tests.unit.restore.simulator import Machine, World


def stats(scheduled=0, results=0, finished=0, rows=0, **more):
    return {
        "total_clients_scheduled": scheduled,
        "total_clients_with_results": results,
        "total_finished_clients": finished,
        "total_collected_rows": rows,
        **more,
    }


def captured(state=3, **more):
    request = {"creator": "boss", "artifacts": ["A"], "specs": [{"artifact": "A"}]}
    usual = {"hunt_id": "H.1", "state": state, "stats": stats(3, 3, 3, 18)}
    return usual | {"start_request": request} | more


def live(state="STOPPED", **counts):
    counts = {"scheduled": 3, "results": 3, "finished": 3, "rows": 18} | counts
    return {
        "hunt_id": "H.1",
        "state": state,
        "stats": stats(**counts),
        "hunt_description": "now",
        "tags": ["t"],
        "expires": 7,
    }


@pytest.mark.parametrize("state", ["STOPPED", "PAUSED"])
def test_a_hunt_that_is_right_is_left_alone(state):
    assert settled(captured(), live(state, stopped=True), 0) is None


def test_counts_that_an_import_doubled_are_those_of_the_capture_again():
    doubled = live(scheduled=3, results=6, finished=6, rows=36, stopped=True)
    row = settled(captured(), doubled, members=3)
    assert row["stats"] == stats(3, 3, 3, 18, total_uploaded_bytes=0, stopped=True) | {
        "total_clients_with_errors": 0
    }
    assert row["state"] == "STOPPED"
    assert (row["hunt_description"], row["tags"], row["expires"]) == ("now", ["t"], 7)
    assert row["start_request"] == {"creator": "boss", "artifacts": ["A"], "summary": True}


def test_clients_that_came_after_the_capture_stay_counted():
    later = live("PAUSED", scheduled=5, results=5, finished=5, rows=30)
    assert settled(captured(), later, members=5) is None
    doubled = live("PAUSED", scheduled=5, results=8, finished=8, rows=48)
    assert settled(captured(), doubled, members=5)["stats"]["total_clients_with_results"] == 5


def test_a_record_from_before_its_counts_gets_them():
    row = settled(captured(1), live("PAUSED", scheduled=0, results=3), members=3)
    assert row["stats"]["total_clients_scheduled"] == 3
    assert row["state"] == "PAUSED"


@pytest.mark.parametrize(
    ("now", "members", "many"),
    [
        ({}, 3, 0),
        ({"scheduled": 4}, 3, 1),
        ({"results": 5, "finished": 6}, 3, 3),
        ({"scheduled": 5, "results": 5, "finished": 5}, 5, 0),
        ({"scheduled": 5, "results": 7, "finished": 5}, 5, 2),
    ],
)
def test_a_hunt_that_runs_counts_too_many_where_it_lists_less(now, members, many):
    assert max(too_high(captured(), live("RUNNING", **now), members), 0) == many


@pytest.mark.parametrize("was", [1, 2, "PAUSED", "RUNNING"])
def test_an_imported_hunt_that_was_open_is_paused_unless_somebody_stopped_it(was):
    assert settled(captured(was), live(), members=3)["state"] == "PAUSED"
    assert settled(captured(was), live(stopped=True), members=3) is None


def test_numbers_of_a_file_are_text_and_what_is_none_counts_as_none():
    known = captured(stats=stats("3", "3", [], "x"))
    assert settled(known, live(finished=0, rows=0, stopped=True), members=3) is None


@pytest.mark.parametrize(
    "strange",
    [{"stats": ["x"]}, {"stats": stats("9" * 5000)}, {"stats": "x", "state": ["RUNNING"]}],
)
def test_a_strange_record_counts_as_one_without_counts(strange):
    row = settled(captured(**strange) | {"start_request": ["x"]}, live(results=6), members=3)
    assert row["stats"]["total_clients_with_results"] == 3
    assert row["start_request"] == {"creator": "", "artifacts": [], "summary": True}


@pytest.mark.parametrize(
    ("told", "written"),
    [
        ({"labels": {"label": ["a"]}, "os": {"os": "ALL"}}, {"labels": {"label": ["a"]}}),
        ({"labels": {"label": []}, "os": {"os": "LINUX"}}, {"os": {"os": "LINUX"}}),
        ({"excluded_labels": {"label": ["b"]}}, {"excluded_labels": {"label": ["b"]}}),
        ({"excluded_labels": {"label": []}, "labels": {"label": []}, "os": {"os": "ALL"}}, None),
        (None, None),
    ],
)
def test_a_hunt_that_the_server_knew_keeps_all_but_its_counts(told, written):
    whole = {"hunt_id": "H.1", "client_limit": 9, "condition": told, "state": "STOPPED"}
    whole |= {"stats": stats(6, 6, 6, 36, available_downloads={"files": ["x"]})}
    fixed = settled({"stats": stats(3, 3, 3, 18)}, live(results=6, stopped=True), members=3)
    row = with_counts(whole, fixed)
    assert row.get("condition") == written
    assert (row["client_limit"], row["state"]) == (9, "STOPPED")
    assert row["stats"]["total_clients_with_results"] == 3
    assert row["stats"]["available_downloads"] == {"files": ["x"]}


def test_what_an_archive_has_not_got_is_a_line_a_flow():
    def absent(file, member):
        where = f'{{"DelegatePath":"/x/0/{file}","Path":"/{member}"}}'
        return f"import_flow: Zip: NotFoundError: {where}."

    def parcel(name, lacks=""):
        return Parcel("C.1", name, "", (), 0, 0, 0, 0, b"", lacks)

    log = [
        absent("0.zip", "logs.json"),
        absent("0.zip", "results/A.json"),
        absent("1.zip", "results/A.json"),
        "import_flow: something else",
        "usual",
    ]
    assert told(log, {"0.zip": parcel("F.1"), "1.zip": parcel("F.2", "0 of 3 rows")}) == [
        "import: import_flow: something else",
        "C.1 F.1: its archive has no logs.json, results/A.json",
    ]


@pytest.mark.parametrize(
    ("placed", "counted"),
    [(True, 5), (False, 3)],  # another point's backup has no say over what the server knew
)
def test_of_a_state_and_the_backup_beside_it_the_higher_counts(monkeypatch, placed, counted):
    monkeypatch.setattr(settle_hunts, "_backed", lambda *_: {"H.1": {"stats": stats(5, 2, 5, 30)}})
    before = SimpleNamespace(touched={"H.1"}, counts=lambda _hunt: numbers(captured()))
    context = SimpleNamespace(wants=lambda _part: placed)
    known = settle_hunts._known(context, "root", {}, before)["H.1"]["stats"]
    assert known["total_clients_scheduled"] == counted
    assert known["total_clients_with_results"] == 3


def test_a_hunt_whose_flow_lies_in_anothers_archive_is_noted_too():
    """A kill after it, and the server's own numbers don't tell any more what they were."""
    world = World()
    said = {"H.1": stats(1), "H.2": stats(2)}
    api = SimpleNamespace(
        query=lambda _vql, **_of: [{"hunt_id": hunt, "stats": held} for hunt, held in said.items()]
    )
    context = SimpleNamespace(target=Machine(world), api=lambda: api)
    archive = SimpleNamespace(hunt_id="H.1", flow_id="")
    HuntsBefore(context, "root", [archive]).touch(["H.1", "H.2"])
    said.update({"H.1": stats(5), "H.2": stats(6)})
    again = HuntsBefore(context, "root", [archive])
    assert again.touched == {"H.1", "H.2"}
    assert [again.counts(hunt)["total_clients_scheduled"] for hunt in ("H.1", "H.2")] == [1, 2]
    again.close()
    assert HuntsBefore(context, "root", [archive]).touched == set()


def test_all_orgs_are_waited_for_at_once(monkeypatch):
    meeting = threading.Barrier(3, timeout=10)
    monkeypatch.setattr(settle_hunts, "_known", lambda *_: {})

    def settle(_context, org, *_):
        meeting.wait()
        return ["H.1"] if org == "OB" else []

    monkeypatch.setattr(settle_hunts, "_settle", settle)
    monkeypatch.setattr(settle_hunts, "_too_high", lambda *_: [])
    closed = []
    with ThreadPoolExecutor() as beside:
        before = [
            SimpleNamespace(touched=touched, close=lambda: closed.append(1))
            for touched in ({"H.1"}, {"H.1"}, set(), {"H.1"})
        ]
        brought = [
            settle_hunts.Brought(org, {}, [], had, 1)
            for org, had in zip(("root", "OB", "OC", "OD"), before, strict=True)
        ]
        (finding,) = settle_hunts.settle_hunts(SimpleNamespace(beside=beside), brought)
    assert finding.startswith("OB: the counts of H.1 may be too high")
    assert len(closed) == 2
