"""What an export says of itself, held to what is in it."""

from pathlib import Path

import pytest

from recovery.capture.adopt_inventory import (
    adopted_inventory,
    lacking_inside,
    lacks_clients,
    records_of_hunts,
)
from recovery.capture.check_zip import ZipContent
from recovery.capture.found import Found, FoundFlow, FoundHunt
from recovery.velociraptor import inventory_entries as entries
from recovery.velociraptor.backup_entries import hunt_as_asked
from recovery.velociraptor.config import ServerConfig
from recovery.velociraptor.inventory import digest
from tests.unit.restore.points import CLIENT, CONFIG

ENDED = {"state": 2, "total_collected_rows": 3}


@pytest.mark.parametrize(
    ("contexts", "rows", "found", "listed", "lacks"),
    [
        ([ENDED], 3, 5, 5, ""),
        ([ENDED], 4, 6, 5, ""),
        ([ENDED], 2, 5, 5, "2 of 3 rows"),
        ([ENDED, {"state": "ERROR", "total_collected_rows": "2"}], 4, 0, 0, "4 of 5 rows"),
        ([ENDED], 3, 4, 5, "4 of 5 bytes of uploads"),
        ([{"state": 1, "total_collected_rows": 9}], 3, 0, 0, ""),
        ([{}], 0, 0, 0, ""),
        ([{"state": 2, "total_collected_rows": ["x"]}], 0, 0, 0, ""),
    ],
)
def test_what_an_export_lacks(contexts, rows, found, listed, lacks):
    content = ZipContent(frozenset(), rows, found, listed)
    assert lacking_inside(content, contexts) == lacks


def test_results_as_csv_alone_are_said_to_be():
    only = ZipContent(frozenset({"results/A.csv", "uploads.csv"}), 0, 0)
    assert lacking_inside(only, [ENDED]) == (
        "0 of 3 rows, the rest as CSV only, which no server imports"
    )
    both = ZipContent(frozenset({"results/A.csv", "results/A.json"}), 2, 0)
    assert lacking_inside(both, [ENDED]) == "2 of 3 rows"


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        (None, {}),
        ({"UnionField": {"Labels": {"label": ["l0"]}}}, {"labels": {"label": ["l0"]}}),
        ({"UnionField": {"Os": {"os": 1}}}, {"os": {"os": "WINDOWS"}}),
        ({"os": {"os": "WINDOWS"}}, {"os": {"os": "WINDOWS"}}),
        (
            {"excluded_labels": {"label": ["l0"]}, "UnionField": None},
            {"excluded_labels": {"label": ["l0"]}},
        ),
    ],
)
def test_a_condition_is_the_same_in_a_backup_and_an_export_and_on_a_server(said, asked):
    empty = {"excluded_labels": {"label": []}, "labels": {"label": []}, "os": {"os": "ALL"}}
    known, _ = entries.hunts([hunt_as_asked({"hunt_id": "H.1", "condition": said})])
    row = {"hunt_id": "H.1", "hunt_description": "", "expires": 0, "tags": []}
    live, _ = entries.hunts([row | {"condition": empty | asked, "start_request": {"specs": []}}])
    assert known == live


@pytest.mark.parametrize(
    ("state", "stats", "said"),
    [
        (
            "RUNNING",
            {"total_clients_scheduled": "3"},
            "flows of 1 of its 3 clients; the others run",
        ),
        (2, {"total_clients_scheduled": 2}, "flows of 1 of its 2 clients; the others run it again"),
        ("RUNNING", {"total_clients_scheduled": "1"}, ""),
        ("STOPPED", {"total_clients_scheduled": "3"}, "there are the flows of 1 of its 3 clients"),
        ("STOPPED", {"total_clients_scheduled": "1"}, ""),
        ("RUNNING", ["x"], ""),
        ("RUNNING", {"total_clients_scheduled": "9" * 5000}, ""),
    ],
)
def test_clients_of_a_hunt_whose_flows_are_nowhere_are_told(state, stats, said):
    info = {"hunt_id": "H.1", "state": state, "stats": stats}
    hunt = FoundHunt(Path("x.zip"), info, ({},), ZipContent(frozenset(), 0, 0))
    told = lacks_clients(hunt, "root", [])
    assert said in told
    assert bool(told) is bool(said)
    assert ("run it again" in told) is (bool(said) and state != "STOPPED")


def test_flows_with_exports_of_their_own_count_for_their_hunt():
    info = {"hunt_id": "H.1", "state": "STOPPED", "stats": {"total_clients_scheduled": "1"}}
    nothing = ZipContent(frozenset(), 0, 0)
    combined = FoundHunt(Path("x.zip"), info, (), nothing)
    own = FoundFlow(Path("y.zip"), member("F.1.H"), "", nothing, (), "root")
    other = FoundFlow(Path("y.zip"), member("F.2.H"), "", nothing, (), "root")
    assert lacks_clients(combined, "root", [own]) == ""
    assert "0 of its 1 clients" in lacks_clients(combined, "root", [other])
    assert "0 of its 1 clients" in lacks_clients(combined, "OACME", [own])


def found_with(*members):
    nothing = ZipContent(frozenset(), 0, 0)
    own = FoundFlow(Path("y.zip"), member("F.1.H", rows=5), "", nothing, (), "root")
    hunt = FoundHunt(Path("x.zip"), {"hunt_id": "H.1"}, members, nothing)
    return Found(flows=[own], hunts=[hunt])


def member(flow, rows=1, state=2, at=86_400_000_000):
    return {
        "client_id": CLIENT,
        "session_id": flow,
        "state": state,
        "total_collected_rows": rows,
        "artifacts_with_results": ["A"],
        "active_time": at,
    }


def test_flows_that_only_a_hunts_export_holds_are_counted_and_their_times_known():
    """A range of time left them out of an import, and the comparison called them lost."""
    odd = [member("F.3.H", rows=["x"]), member("F.4.H", state=["x"]), {}, member("F.5.H", at="x")]
    found = found_with(member("F.1.H", rows=9), member("F.2.H"), *odd)
    inventory = adopted_inventory(found, {}, ServerConfig.parse(CONFIG), {}, {})
    counted = inventory.orgs["root"]["flows"]
    assert counted.keys() == {f"{CLIENT}/F.{number}.H" for number in (1, 2, 5)}
    assert counted[f"{CLIENT}/F.1.H"] == digest([["A"], 5])  # by its own export
    records = records_of_hunts(found, {})["root"]
    assert records.keys() == {f"{CLIENT}/F.{number}.H" for number in (1, 2, 3, 4)}
    assert {record.active_at for record in records.values()} == {86_400_000_000}
    assert not any(record.stamp for record in records.values())  # no capture takes them for its own
