import threading
from itertools import count

import pytest

from recovery.restore.lanes import in_lanes


def test_no_lane_has_two_batches_and_no_more_are_made_than_needed():
    busy, most, seen, made = set(), [], [], []
    lock = threading.Lock()

    def batches():
        for number in range(20):
            made.append(number)
            yield [number]

    def work(lane, batch):
        with lock:
            assert lane not in busy
            busy.add(lane)
            most.append(len(busy))
            ahead = len(made) - len(seen)
        assert ahead <= 3
        with lock:
            busy.remove(lane)
            seen.append(batch[0])

    in_lanes(batches(), work, lanes=2)
    assert sorted(seen) == list(range(20))
    assert max(most) <= 2


def test_all_lanes_work_at_once():
    meeting = threading.Barrier(2, timeout=10)
    in_lanes(iter([["first"], ["second"]]), lambda _lane, _batch: meeting.wait(), lanes=2)


def test_no_third_begins_before_one_of_the_first_two_has_ended():
    both = threading.Barrier(2, timeout=10)
    ended = []

    def work(_lane, batch):
        if batch[0] < 2:
            both.wait()
        else:
            assert ended
        ended.append(batch[0])

    in_lanes(iter([[number] for number in range(6)]), work, lanes=3, before_one_ended=2)
    assert sorted(ended) == list(range(6))


def test_after_an_error_no_batch_is_begun_and_those_under_way_are_seen_through():
    begun, ended = [], []
    failing = threading.Event()

    def work(_lane, batch):
        begun.append(batch[0])
        if batch[0] == 1:
            failing.set()
            raise RuntimeError("the server is gone")
        assert batch[0] == 0 or failing.wait(10)
        ended.append(batch[0])

    endless = ([number] for number in count())
    with pytest.raises(RuntimeError, match="gone"):
        in_lanes(endless, work, lanes=2)
    assert len(begun) <= 3
    assert sorted(ended) == [number for number in sorted(begun) if number != 1]
