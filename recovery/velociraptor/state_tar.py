"""The state of an org in a recovery point: a plain tar of files of a datastore, foreign input.

One door for whoever reads one: a name that says another place to a server, or to `tar`, than to
the one who looks at it would bring back what nobody was shown.
"""

import re
import tarfile
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import IO, NamedTuple

from recovery.errors import BadInputError
from recovery.velociraptor.state_paths import is_client_list, is_hunt_list, is_state

_HINT = "choose another point: `recovery points list`; nothing was changed on the machine"
# Characters that are none of a path, and parts of one that lead nowhere or elsewhere.
_STRANGE = re.compile(r"[\x00-\x1f\x7f\\]|(?:^|/)\.{0,2}(?:/|$)")
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


def state_files(tar: Path, name: str = "the state") -> Iterator[StateFile]:
    """Every file.

    Only plain files, only below the datastore, only of what a capture calls state: no links,
    devices, holes (a small tar could fill a disk) or ``..``; no results, backups or tasks, which
    would be taken for the server's own; and no packed tar, whose size says nothing. Raises
    :class:`BadInputError`, with ``name``.
    """
    about = tar.stat()
    try:
        listed = _listed(tar, about.st_mtime_ns, about.st_size)
    except ValueError as wrong:
        raise BadInputError(f"{name} {wrong}", hint=_HINT) from wrong
    with tar.open("rb") as opened:
        for path, changed, at, size in listed:
            yield StateFile(path, changed, opened, at, size)


def state_file_names(tar: Path) -> list[str]:
    """The paths of its files. Raises like :func:`state_files`."""
    return [file.path for file in state_files(tar)]


@lru_cache(maxsize=64)
def _listed(tar: Path, _changed: int, _size: int) -> list[tuple[str, float, int, int]]:
    """Path, time, place and size of each file: a long list takes seconds, and is used often."""
    found = []
    try:
        with tarfile.open(tar, "r:") as opened:
            for member in opened:
                if wrong := _wrong(member):
                    raise ValueError(f"holds {wrong}: {member.name!r}")
                if member.isreg():
                    path = member.name.removeprefix("./")
                    found.append((path, member.mtime, member.offset_data, member.size))
    except (tarfile.TarError, EOFError, OSError) as broken:
        raise ValueError(f"can't be read: {broken}") from broken
    return found


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
