import re
from datetime import UTC, datetime, timedelta

from recovery.capture.point_name import point_name

BEGAN = datetime(2026, 11, 23, 6, 0, 0, tzinfo=UTC)


def test_captures_within_a_second_are_in_the_order_of_time():
    times = [BEGAN + timedelta(microseconds=step) for step in (0, 1, 15, 16, 4096, 999_999)]
    names = [point_name(time) for time in times]
    assert names == sorted(names)
    assert all(re.fullmatch(r"20261123T060000Z-[0-9a-f]{6}", name) for name in names)
