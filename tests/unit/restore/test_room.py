"""A full disk is named, and a server that has not seen yet that room was made is waited for."""

from types import SimpleNamespace

import pytest

from recovery.errors import ServerError
from recovery.restore import room
from recovery.restore.room import once_there_is_room, too_full


def test_a_full_disk_is_named_once():
    table = "    Avail Mounted on\n 12345678 /var/lib/velo data\n 12345678 /var/lib/velo data\n"
    (told,) = too_full(table)
    assert told.startswith("the disk of /var/lib/velo data is full (12 MB free;")


def test_a_disk_with_room_is_not_told():
    assert too_full("Avail Mounted on\n50000000 /\n") == []


def test_words_instead_of_numbers_are_passed_over():
    assert too_full("Avail Mounted on\n- /proc\n\n") == []


class Disk:
    """A context whose disk has ``free`` bytes, and what a server on it answers."""

    def __init__(self, free, refusals, words="flows: Insufficient disk space!"):
        table = f"Avail Mounted on\n{free} /ds\n"
        self.target = SimpleNamespace(run=lambda _argv: SimpleNamespace(text=table))
        self.config = SimpleNamespace(folders=["/ds"])
        self.request = SimpleNamespace(target="docker://it")
        self.refusals, self.words, self.said = refusals, words, []

    def say(self, line):
        self.said.append(line)

    def ask(self):
        if self.refusals:
            self.refusals -= 1
            raise ServerError(self.words)
        return "counted"


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(room, "_PAUSE", 0)


def test_a_server_looks_at_its_disk_in_turns_and_is_waited_for():
    disk = Disk(10**9, refusals=3)
    assert once_there_is_room(disk, disk.ask) == "counted"
    assert disk.said == ["waiting for the server to see that there is room on its disk again"]


def test_one_that_never_sees_it_is_not_waited_for_without_end(monkeypatch):
    monkeypatch.setattr(room, "_LOOKS", 0)
    disk = Disk(10**9, refusals=3)
    with pytest.raises(ServerError, match="Insufficient"):
        once_there_is_room(disk, disk.ask)


def test_a_disk_that_is_full_is_said_at_once():
    disk = Disk(10**6, refusals=3)
    with pytest.raises(ServerError, match="the disk of /ds is full"):
        once_there_is_room(disk, disk.ask)
    assert disk.refusals == 2


def test_any_other_refusal_is_its_own():
    disk = Disk(10**6, refusals=3, words="no such plugin")
    with pytest.raises(ServerError, match="no such plugin"):
        once_there_is_room(disk, disk.ask)
    assert disk.refusals == 2
