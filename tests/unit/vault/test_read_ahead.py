"""Content that is read ahead: the same pieces, errors in their place, no thread left behind."""

import threading
from contextlib import closing

import pytest

from recovery.vault.read_ahead import read_ahead


def threads():
    return [one.name for one in threading.enumerate() if one.name.startswith("read-ahead")]


def test_the_same_pieces_in_their_order():
    pieces = [bytes([number]) * number for number in range(100)]
    assert list(read_ahead(pieces)) == pieces
    assert list(read_ahead([])) == []
    assert threads() == []


def test_they_are_made_before_they_are_asked_for_and_only_a_few_of_them():
    made = []
    reached = threading.Event()

    def making():
        for number in range(100):
            made.append(number)
            if number == 3:
                reached.set()
            yield b"x"

    with closing(read_ahead(making())) as taken:
        assert next(taken) == b"x"
        assert reached.wait(20)
    assert len(made) < 10


def test_an_error_comes_after_the_pieces_before_it():
    def broken():
        yield b"a"
        yield b"b"
        raise OSError("the disk is gone")

    taken = read_ahead(broken())
    assert [next(taken), next(taken)] == [b"a", b"b"]
    with pytest.raises(OSError, match="the disk is gone"):
        next(taken)
    assert threads() == []


@pytest.mark.parametrize("taken", [0, 1, 3])
def test_whoever_stops_before_the_end_leaves_no_thread(taken):
    def endless():
        while True:
            yield b"x"

    with closing(read_ahead(endless())) as pieces:
        for _ in range(taken):
            next(pieces)
    assert threads() == []
