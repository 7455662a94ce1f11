"""JSON lines in a zip that anybody may have made, one row in memory at a time.

100 MB of zip may hold 30 GB of lines, and a line of two-letter lists takes twenty times its bytes
once it is read: both are counted before a line is taken, and too much is refused.
"""

import json
import zipfile
from collections.abc import Iterator
from typing import Any, NamedTuple

Row = dict[str, Any]


class Limits(NamedTuple):
    """What is read of one member. A value takes up to 100 bytes of memory."""

    row: int
    """Bytes of one line."""
    size: int
    values: int


_KEPT = Limits(64 << 20, 256 << 20, 10_000_000)
"""Of parts that are kept as they are read: rights, hunts, lists of artifacts."""
_LARGE = Limits(64 << 20, 4 << 30, 100_000_000)
"""Of those that grow with the fleet (300 bytes and a dozen values a client), hold results, or list
uploads."""
_LIMITS = {"client_info.json": _LARGE, "notebooks.json": _LARGE, "uploads.json": _LARGE}


def rows_of(archive: zipfile.ZipFile, member: str | zipfile.ZipInfo) -> Iterator[Row]:
    """The rows of a JSON-lines member, as they are asked for; none when the member isn't there.

    Raises :class:`ValueError` for what is no JSON, or more than any server writes there.
    """
    try:
        info = archive.getinfo(member) if isinstance(member, str) else member
    except KeyError:
        return
    limits = _LIMITS.get(info.filename.rpartition("/")[2], _KEPT)
    if info.file_size > limits.size:
        raise ValueError(
            f"it is too large: {info.file_size >> 20} MB, {limits.size >> 20} are read"
        )
    values = 0
    with archive.open(info) as content:
        while line := content.readline(limits.row + 1):
            if len(line) > limits.row:
                raise ValueError(f"a row of it is too large: more than {limits.row >> 20} MB")
            values += sum(map(line.count, (b",", b"[", b"{")))
            if values > limits.values:
                raise ValueError(f"it is too large: more than {limits.values:,} values")
            if line.strip():
                yield _row(line)


def _row(line: bytes) -> Row:
    try:
        row: Row = json.loads(line)
    except RecursionError as deep:
        raise ValueError("it is nested too deep") from deep
    return row
