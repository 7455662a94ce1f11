"""What an export says of itself, held to what is in it."""

from pathlib import Path

import pytest

from recovery.capture.adopt_files import FoundHunt
from recovery.capture.adopt_inventory import lacking_inside, runs_again
from recovery.capture.check_zip import ZipContent
from recovery.velociraptor import inventory_entries as entries
from recovery.velociraptor.backup_entries import hunt_as_asked

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
        ("RUNNING", {"total_clients_scheduled": "3"}, "has the flows of 1 of 3 clients"),
        (2, {"total_clients_scheduled": 2}, "has the flows of 1 of 2 clients"),
        ("RUNNING", {"total_clients_scheduled": "1"}, ""),
        ("STOPPED", {"total_clients_scheduled": "3"}, ""),
        ("RUNNING", ["x"], ""),
        ("RUNNING", {"total_clients_scheduled": "9" * 5000}, ""),
    ],
)
def test_clients_that_would_run_a_hunt_again_are_told(state, stats, said):
    info = {"hunt_id": "H.1", "state": state, "stats": stats}
    hunt = FoundHunt(Path("x.zip"), info, ({},), ZipContent(frozenset(), 0, 0))
    told = runs_again(hunt, "root")
    assert said in told
    assert bool(told) is bool(said)
