"""Tables of rows: JSON lines, and an ``.index`` with one 64-bit number a row.

The low 40 bits of a number are the offset of the piece in which the row lies, the high 24 bits
the row's place in that piece, so that pieces can be added without looking into them.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from server_app.datastore import chunks, folders

Row = dict[str, Any]
_NUMBER = struct.Struct("<Q")
_SHIFT = 40


def line(row: Any) -> bytes:
    """One row as a server writes it: no spaces, ``<``, ``>`` and ``&`` escaped."""
    text = json.dumps(row, separators=(",", ":"), ensure_ascii=False)
    text = text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return text.encode("utf-8", "surrogatepass") + b"\n"


def index_path(path: Path) -> Path:
    return path.with_name(path.name + ".index")


def append(path: Path, rows: Iterable[Any]) -> int:
    """Adds rows at the end; returns how many."""
    return append_lines(path, [line(row) for row in rows])


def append_lines(path: Path, lines: list[bytes]) -> int:
    """Adds ready lines (each with its line feed) as pieces of their own."""
    start = _size(path)
    offsets = []
    for item in lines:
        offsets.append(_NUMBER.pack(start))
        start += len(item)
    _add(path, b"".join(lines))
    _add(index_path(path), b"".join(offsets))
    return len(lines)


def append_compressed(path: Path, rows: Iterable[Any]) -> int:
    """Adds rows as one compressed piece (how results of clients lie on disk)."""
    lines = [line(row) for row in rows]
    if not lines:
        return 0
    start = _size(path)
    chunks.append(path, b"".join(lines))
    numbers = (_NUMBER.pack(start | place << _SHIFT) for place in range(len(lines)))
    _add(index_path(path), b"".join(numbers))
    return len(lines)


def replace(path: Path, rows: Iterable[Any]) -> int:
    """Writes the table anew."""
    for old in (path, index_path(path), chunks.index_path(path)):
        old.unlink(missing_ok=True)
    return append(path, rows)


def read_lines(path: Path) -> Iterator[bytes]:
    """Raw lines; none if the table is missing."""
    if path.is_file():
        yield from (text for text in chunks.read(path).split(b"\n") if text.strip())


def read(path: Path) -> Iterator[Row]:
    """Rows in order; lines that are no JSON object are passed over, as a real server does."""
    for text in read_lines(path):
        try:
            row = json.loads(text)
        except ValueError:
            continue
        if isinstance(row, dict):
            yield row


def count(path: Path) -> int:
    """Rows by the index."""
    try:
        return index_path(path).stat().st_size // _NUMBER.size
    except FileNotFoundError:
        return 0


def zip_index(lines: Iterable[bytes]) -> bytes:
    """The ``.index`` of a table inside a backup or export: each row a piece of one."""
    offset, out = 0, []
    for item in lines:
        out.append(_NUMBER.pack(offset | 1 << _SHIFT))
        offset += len(item)
    return b"".join(out)


def _size(path: Path) -> int:
    return chunks.size(path) if path.exists() else 0


def _add(path: Path, data: bytes) -> None:
    folders.make(path.parent)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(handle, "ab") as stream:
        stream.write(data)
