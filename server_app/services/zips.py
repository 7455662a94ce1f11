"""Zip files in the form that a server writes: deflated members, some with a table's index."""

from __future__ import annotations

import lzma
import struct
import time
import zipfile
import zlib
from collections.abc import Iterable
from typing import IO, Any

from server_app.datastore import tables

_PIECE = 65_536
_NO_TIME = (1980, 1, 1, 0, 0, 0)


BROKEN = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error,
    EOFError, OSError, ValueError, RuntimeError, OverflowError, LookupError,
)  # fmt: skip
"""What reading a damaged zip raises; found by fuzzing."""


def read_lines(archive: zipfile.ZipFile, name: str) -> bytes:
    """A member as far as it can be read: of a damaged one, the whole lines before the damage.

    Real servers read the same way: rows are silently missing (facts: "Exports and imports").
    """
    read = bytearray()
    try:
        with archive.open(name) as member:
            while piece := member.read(_PIECE):
                read += piece
    except BROKEN:
        return bytes(read[: read.rfind(b"\n") + 1])
    return bytes(read)


class ZipWriter:
    """Adds members one after another; counts what goes in."""

    def __init__(self, stream: IO[bytes], *, password: str = "") -> None:
        self._outer: Any = None
        self._inner: IO[bytes] | None = None
        if password:
            self._outer, self._inner = _sealed(stream, password)
        self._zip = zipfile.ZipFile(self._inner or stream, "w", zipfile.ZIP_DEFLATED)
        self.files = 0
        self.plain_bytes = 0

    def add(self, name: str, data: bytes, *, stamped: bool = True) -> None:
        """Adds a member; tables carry no time, so that equal tables are equal bytes."""
        stamp = time.gmtime()[:6] if stamped else _NO_TIME
        member = zipfile.ZipInfo(name, stamp)
        member.compress_type = zipfile.ZIP_DEFLATED
        self._zip.writestr(member, data)
        self.files += 1
        self.plain_bytes += len(data)

    def add_table(self, name: str, rows: Iterable[Any]) -> int:
        """Adds rows as ``<name>`` with ``<name>.index`` before it; returns their number."""
        lines = [tables.line(row) for row in rows]
        self.add(name + ".index", tables.zip_index(lines), stamped=False)
        self.add(name, b"".join(lines), stamped=False)
        return len(lines)

    def close(self) -> None:
        """Finishes the file. Raises OSError (no space)."""
        self._zip.close()
        if self._outer is not None and self._inner is not None:
            with self._inner, self._outer:
                self._inner.seek(0)
                self._outer.writestr("data.zip", self._inner.read())


def _sealed(stream: IO[bytes], password: str) -> tuple[Any, IO[bytes]]:
    """An outer zip whose one member ``data.zip`` is AES-encrypted (facts: "Exports …")."""
    import tempfile

    import pyzipper  # type: ignore[import-untyped]

    outer = pyzipper.AESZipFile(
        stream, "w", compression=pyzipper.ZIP_STORED, encryption=pyzipper.WZ_AES
    )
    outer.setpassword(password.encode())
    return outer, tempfile.TemporaryFile()
