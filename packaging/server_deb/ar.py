"""The outer shell of a .deb: an ar archive, read with bounds and written again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from server_deb.errors import PackageError

MAGIC = b"!<arch>\n"
HEADER = 60
MOST_MEMBERS = 16


@dataclass(frozen=True)
class Member:
    """One member: its name, and where its `size` bytes start."""

    name: str
    offset: int
    size: int
    header: bytes


def members(stream: BinaryIO, where: str) -> Iterator[Member]:
    """The members of an ar archive in their order.

    Raises PackageError if it is none, is cut off, or has more members than any .deb.
    """
    if stream.read(len(MAGIC)) != MAGIC:
        raise unreadable(where, "it is not a Debian package (no ar archive)")
    end = stream.seek(0, 2)
    offset = len(MAGIC)
    for _ in range(MOST_MEMBERS):
        stream.seek(offset)
        header = stream.read(HEADER)
        if not header:
            return
        digits = header[48:58].strip()
        if len(header) != HEADER or header[58:] != b"`\n" or not digits.isdigit():
            raise unreadable(where, "a header in it is damaged")
        size = int(digits)
        if offset + HEADER + size > end:
            raise unreadable(where, "it is cut off")
        name = header[:16].decode("ascii", "replace").strip().rstrip("/")
        yield Member(name, offset + HEADER, size, header)
        offset += HEADER + size + size % 2
    raise unreadable(where, f"it has more than {MOST_MEMBERS} members")


def header(like: bytes, name: str, size: int) -> bytes:
    """A member's header with another name and size; time, owner and mode as in `like`."""
    return f"{name:<16}".encode() + like[16:48] + f"{size:<10}".encode() + like[58:]


def unreadable(where: str, why: str) -> PackageError:
    """The error for a file that is no whole server package."""
    return PackageError(
        f"the package can't be read: {why}",
        where=where,
        hint="give a server package (.deb); if it was copied, compare its size and SHA-256",
    )
