"""Compressed files: zlib pieces one after another, and a ``.chunk`` table beside them.

A row of the table is five little-endian 64-bit numbers: offset in the plain file, offset in the
compressed file, compressed length, plain length, IV (0: not encrypted).
"""

from __future__ import annotations

import io
import os
import struct
import zlib
from pathlib import Path
from typing import NamedTuple

from server_app.datastore import folders

_ROW = struct.Struct("<qqqqQ")


class Chunk(NamedTuple):
    offset: int
    at: int
    stored: int
    size: int
    iv: int


def index_path(path: Path) -> Path:
    """The table of a file: ``F.1.json`` → ``F.1.chunk``; an upload keeps its full name."""
    if path.name.endswith(".json"):
        return path.with_name(path.name.removesuffix(".json") + ".chunk")
    return path.with_name(path.name + ".chunk")


def read_index(path: Path) -> list[Chunk]:
    """The pieces of a compressed file; empty if it is a plain one."""
    try:
        data = index_path(path).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return []
    usable = len(data) - len(data) % _ROW.size
    return [Chunk(*row) for row in _ROW.iter_unpack(data[:usable])]


def read(path: Path) -> bytes:
    """The plain content of a file, compressed or not. Raises OSError; EOFError if damaged."""
    table = read_index(path)
    raw = path.read_bytes()
    if not table:
        return raw
    out = io.BytesIO()
    for chunk in table:
        piece = raw[chunk.at : chunk.at + chunk.stored]
        try:
            out.seek(chunk.offset)
            out.write(zlib.decompress(piece))
        except zlib.error as error:
            raise EOFError(f"{path}: damaged piece at {chunk.at}: {error}") from error
    return out.getvalue()


def size(path: Path) -> int:
    """Length of the plain content."""
    table = read_index(path)
    return table[-1].offset + table[-1].size if table else path.stat().st_size


def append(path: Path, data: bytes) -> None:
    """Adds a compressed piece. The table is written last: a reader never sees half a piece."""
    at = path.stat().st_size if path.exists() else 0
    packed = zlib.compress(data)
    offset = size(path) if at else 0
    folders.make(path.parent)
    _add(path, packed)
    _add(index_path(path), _ROW.pack(offset, at, len(packed), len(data), 0))


def _add(path: Path, data: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(handle, "ab") as stream:
        stream.write(data)
