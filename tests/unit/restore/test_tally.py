from types import SimpleNamespace

import pytest

from recovery.restore import tally
from recovery.restore.tally import Tally


@pytest.fixture
def said(monkeypatch):
    clock = iter([0.0, 10.0, 20.0])
    monkeypatch.setattr(tally, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    return []


def test_numbers_rate_and_remaining_time(said):
    counts = Tally(100, said.append)
    counts.add(40, 10, 40)
    assert said == [
        "import 50/100 flows · 4/s · 12 s left · 10 skipped (already there) · 0 refused"
    ]


def test_what_did_not_arrive_whole_is_counted_and_nothing_is_left_to_do(said):
    counts = Tally(100, said.append)
    counts.add(40, 0, 50)
    counts.add(0, 0, 50)
    assert said[-1] == (
        "import 100/100 flows · 2/s · 0 s left · 0 skipped (already there) · 0 refused"
        " · 60 not whole"
    )


def test_flows_that_only_a_hunts_archive_holds_are_still_to_come_once_it_is_read(said):
    counts = Tally(0, said.append)
    counts.expect(100)
    counts.add(40, 0, 40)
    assert said == ["import 40/100 flows · 4/s · 15 s left · 0 skipped (already there) · 0 refused"]
