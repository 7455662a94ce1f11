"""Is a zip safe to hand to anybody? Its names, its promises of size, then every CRC.

A recovery point may have been made by an attacker: nothing in it is believed before it is
looked at. A damaged member would be imported with rows silently missing (facts: Exports and
imports); a backup from a full disk has 0 bytes (facts: backup()).
"""

import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from recovery.errors import BadInputError
from recovery.velociraptor.refuse_zip import refusal
from recovery.velociraptor.same_folders import tell_apart

NEXT = "choose another point: `recovery points list`; nothing was changed on the machine"
_CHUNK = 1 << 20
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    OSError,
    RuntimeError,
    EOFError,
    NotImplementedError,
    ValueError,
)


@dataclass(frozen=True, slots=True)
class Member:
    """A member that was read to its end: its lines, and its size in bytes."""

    lines: int
    size: int


def check_zip(path: Path, name: str) -> dict[str, Member]:
    """The members of a zip that is whole and harmless; each is read once.

    Raises :class:`BadInputError`, with what is wrong, for an empty, truncated or damaged one,
    for a member that points outside of where it is unpacked, a link, an encrypted member, two
    members of one name, and one that unpacks to far more than it is.
    """
    with open_zip(path, name) as archive:
        return check_members(archive, name)


@contextmanager
def open_zip(given: Path | bytes, name: str) -> Iterator[zipfile.ZipFile]:
    """A zip that anybody may have made. Raises :class:`BadInputError` for what is none."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(given) if isinstance(given, bytes) else given)
    except _BROKEN as cause:
        raise BadInputError(f"{name} is not a whole zip: {cause}", hint=NEXT) from cause
    with archive:
        tell_apart(archive)
        yield archive


def check_members(archive: zipfile.ZipFile, name: str) -> dict[str, Member]:
    """As :func:`check_zip`, of an open one."""
    members = archive.infolist()
    if wrong := refusal(archive):
        raise BadInputError(f"{name} {wrong}", hint=NEXT)
    found: dict[str, Member] = {}
    for member in members:
        at = member.filename
        lines = size = 0
        try:
            with archive.open(member) as content:
                while chunk := content.read(_CHUNK):
                    lines += chunk.count(b"\n")
                    size += len(chunk)
        except _BROKEN as cause:
            raise BadInputError(f"{name} is damaged at {at}: {cause}", hint=NEXT) from cause
        before = found.get(at, Member(lines, size))
        found[at] = Member(lines, min(size, before.size))
    return found
