from datetime import timedelta

from recovery.capture.compare_clocks import clock_gaps
from tests.unit.vault.conftest import manifest_at


def test_clocks_that_agree_are_not_mentioned():
    assert clock_gaps(timedelta(seconds=-59), "20261124T000000Z-aaaaaa", manifest_at(0)) == []


def test_a_servers_wrong_clock_is_said_with_its_direction():
    (said,) = clock_gaps(timedelta(hours=2), "x", None)
    assert "2 h 0 min ahead of" in said
    (said,) = clock_gaps(timedelta(minutes=-5), "x", None)
    assert "5 min behind" in said


def test_an_earlier_point_from_the_future_is_named():
    new = manifest_at(48)
    (said,) = clock_gaps(timedelta(0), "20261124T000000Z-aaaaaa", new)
    assert new.point in said
