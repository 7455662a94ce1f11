"""A file's mode as a value: a number that knows how `ls` would write it."""

from __future__ import annotations

import stat
from typing import Any

_FOLDER, _LINK = 1 << 31, 1 << 27
_BITS = (
    (stat.S_ISUID, 1 << 23, "u"),
    (stat.S_ISGID, 1 << 22, "g"),
    (stat.S_ISVTX, 1 << 20, "t"),
)


class FileMode(int):
    """Go's: the rights below, what it is in high bits of its own."""

    @classmethod
    def of(cls, mode: int, *, is_folder: bool = False) -> FileMode:
        """From the system's mode; `is_folder` for what the system doesn't know."""
        found = mode & 0o777
        found |= _FOLDER if is_folder or stat.S_ISDIR(mode) else 0
        found |= _LINK if stat.S_ISLNK(mode) else 0
        for theirs, ours, _ in _BITS:
            found |= ours if mode & theirs else 0
        return cls(found)

    def __str__(self) -> str:
        kinds = [(_FOLDER, "d"), (_LINK, "L"), *((bit, letter) for _, bit, letter in _BITS)]
        kind = "".join(letter for bit, letter in kinds if self & bit) or "-"
        return kind + stat.filemode(self & 0o777)[1:]

    def member(self, name: str) -> Any:
        """What Go's type tells of itself; None for anything else."""
        return {
            "String": str(self),
            "IsDir": bool(self & _FOLDER),
            "IsRegular": not self & ~0o777 & ~sum(bit for _, bit, _ in _BITS),
            "Perm": FileMode(self & 0o777),
            "Type": FileMode(self & (_FOLDER | _LINK)),
        }.get(name)
