from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from recovery.capture.forget_copies import plan_forget
from recovery.capture.tie_copies import of_repository, ties
from recovery.datastore.snapshots import Snapshot, parse
from recovery.vault.manifest import DatastoreCopy
from recovery.vault.retention import Policy

NOW = datetime(2026, 5, 1, tzinfo=UTC)
OURS = "ab" * 32


class Point:
    """As much of a manifest as ties and retention look at."""

    def __init__(self, number, days):
        self.point = f"P{number}"
        self.captured_at = NOW - timedelta(days=days)
        self.gaps = []
        self.server = type("Server", (), {"deployment": OURS})
        self.datastore = DatastoreCopy(repository="/r", snapshot=f"{number:064x}", files=3, bytes=4)


def copy_of(number, days, deployment=OURS):
    return Snapshot(f"{number:064x}", NOW - timedelta(days=days), deployment, f"P{number}", "/ds")


def test_every_copy_and_every_point_has_a_line():
    joined = ties([Point(1, 3), Point(2, 2)], [copy_of(2, 2), copy_of(3, 1)], "/r")
    assert [(one.point, one.state) for one in joined] == [
        ("P1", "missing"),
        ("P2", ""),
        ("P3", "no recovery point"),
    ]


def test_a_copy_in_another_repository_is_neither_missing_nor_of_this_one():
    points, found = [Point(1, 3), Point(2, 2)], [copy_of(2, 2)]
    # The second moved: it is found, whatever address its point names.
    assert [one.state for one in ties(points, found, "/other")] == ["in another repository", ""]
    assert [point.point for point in of_repository(points, found, "/other")] == ["P2"]
    assert [point.point for point in of_repository(points, found, "/r")] == ["P1", "P2"]


def test_old_copies_go_with_their_points_and_nothing_else_does():
    points = [Point(number, number) for number in range(1, 6)]
    found = [copy_of(number, number) for number in range(1, 6)]
    plan = plan_forget(points, found, Policy(2, 0, 0, 0), NOW)
    assert plan.points == ["P3", "P4", "P5"]
    assert plan.snapshots == [f"{number:064x}" for number in (3, 4, 5)]


@pytest.mark.parametrize(
    ("stray", "goes"),
    [
        (copy_of(9, 2), True),
        (copy_of(9, 0.5), False),
        (copy_of(9, 2, "cd" * 32), False),
    ],
)
def test_a_copy_without_a_point_goes_after_a_day_if_it_is_ours(stray, goes):
    plan = plan_forget([Point(1, 1)], [copy_of(1, 1), stray], Policy(1, 0, 0, 0), NOW)
    assert (stray.ident in plan.snapshots) is goes


def test_what_restic_says_is_read():
    row = {
        "id": "f" * 64,
        "time": "2026-11-25T02:13:01.131155452Z",
        "paths": ["/ds"],
        "tags": ["velociraptor-recovery", f"deployment={OURS}", "point=P1"],
    }
    (one,) = parse([row])
    assert (one.point, one.deployment, one.folder) == ("P1", OURS, "/ds")
    assert one.taken_at == datetime(2026, 11, 25, 2, 13, 1, tzinfo=UTC)
    assert parse([row | {"tags": None}])[0] == replace(one, point="", deployment="")
