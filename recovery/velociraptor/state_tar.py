"""The state of an org in a recovery point: a plain tar of files of a datastore, foreign input.

One door for whoever reads one: a name that says another place to a server, or to `tar`, than to
the one who looks at it would bring back what nobody was shown.
"""

import re
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import IO, NamedTuple

from recovery.errors import BadInputError
from recovery.velociraptor.state_paths import is_client_list, is_hunt_list, is_state

_HINT = "choose another point: `recovery points list`; nothing was changed on the machine"
# Characters that are none of a path, and parts of one that lead nowhere or elsewhere.
_STRANGE = re.compile(r"[\x00-\x1f\x7f\\]|(?:^|/)\.{0,2}(?:/|$)")
_OF_MANY = re.compile(
    r"(?:orgs/[^/]+/)?(?:clients|client_info|notebooks|notebook_index|hunt_index|lfn_hashes)/"
)
_LATEST = 1 << 33
"""Seconds since the epoch: the year 2242."""


class StateFile(NamedTuple):
    """``path`` below the datastore, time of change (epoch s); where in the tar its content is."""

    path: str
    changed: float
    tar: IO[bytes]
    at: int
    size: int

    def read(self) -> bytes:
        """The content; as long as the tar is read."""
        self.tar.seek(self.at)
        return self.tar.read(self.size)


class _Entry(NamedTuple):
    path: str
    changed: float
    at: int
    size: int


def state_files(tar: Path, name: str = "the state") -> Iterator[StateFile]:
    """Every file, those of a hundred thousand clients too: one way through the tar.

    Only plain files, only below the datastore, only of what a capture calls state: no links,
    devices, holes (a small tar could fill a disk) or ``..``; no results, backups or tasks, which
    would be taken for the server's own; and no packed tar, whose size says nothing. Raises
    :class:`BadInputError`, with ``name``.
    """
    with _told_of(name), tar.open("rb") as opened:
        for entry in _entries(tar):
            yield StateFile(entry.path, entry.changed, opened, entry.at, entry.size)


def deciding_files(tar: Path, name: str = "the state") -> Iterator[StateFile]:
    """Those that decide who may do what, and what runs: a review asks many things of these few.

    They are all but the files of clients, of notebooks, and lists of what is where. The tar is
    gone through once, however often this is called, and every file of it is looked at. Raises
    like :func:`state_files`, before it gives the first.
    """
    about = tar.stat()
    with _told_of(name):
        few = _deciding(tar, about.st_mtime_ns, about.st_size)
    with tar.open("rb") as opened:
        for entry in few:
            yield StateFile(entry.path, entry.changed, opened, entry.at, entry.size)


def deciding_paths(tar: Path) -> list[str]:
    """The paths of these. Raises like :func:`deciding_files`."""
    return [file.path for file in deciding_files(tar)]


@contextmanager
def _told_of(name: str) -> Iterator[None]:
    try:
        yield
    except ValueError as wrong:
        raise BadInputError(f"{name} {wrong}", hint=_HINT) from wrong


@lru_cache(maxsize=64)
def _deciding(tar: Path, _changed: int, _size: int) -> list[_Entry]:
    """Kept in memory: a few for each user, artifact and hunt."""
    return [entry for entry in _entries(tar) if not _OF_MANY.match(entry.path)]


def _entries(tar: Path) -> Iterator[_Entry]:
    """Raises :class:`ValueError` for a file that is none of a state."""
    try:
        with tarfile.open(tar, "r:") as opened:
            while member := opened.next():
                forget_members(opened)
                if wrong := _wrong(member):
                    raise ValueError(f"holds {wrong}: {member.name!r}")
                if member.isreg():
                    path = member.name.removeprefix("./")
                    yield _Entry(path, member.mtime, member.offset_data, member.size)
    except (tarfile.TarError, EOFError, OSError) as broken:
        raise ValueError(f"can't be read: {broken}") from broken


def forget_members(tar: tarfile.TarFile) -> None:
    """What was read or written of it, which it would keep: 1 kB for each file of each client."""
    tar.members = []  # type: ignore[attr-defined]  # what it iterates over; not in the stubs


def _wrong(member: tarfile.TarInfo) -> str:
    path = member.name.removeprefix("./")
    if not (member.isreg() or member.isdir()) or member.issparse():
        return "a link, device or hole"
    if _STRANGE.search(path) and path != ".":
        way = path.split("/")
        outside = not way[0] or ".." in way or "\\" in path
        return "a path outside the datastore" if outside else "a path that is not what it seems"
    if member.isreg() and not (is_state(path) or is_client_list(path) or is_hunt_list(path)):
        return "a file that is no state"
    return "" if -_LATEST < member.mtime < _LATEST else "a file of no time"
