"""The tar archives inside a .deb, read as streams and with bounds: anyone may have made them."""

from __future__ import annotations

import gzip
import io
import lzma
import tarfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Self, cast

import zstandard

from server_deb.ar import Member, unreadable
from server_deb.errors import PackageError

MOST_ENTRIES = 10_000
MOST_BYTES = 2 * 1024**3
LARGEST_HEADER = 64 * 1024
MEMORY = 256 * 1024**2
CHUNK = 1 << 18
PATH_HEADERS = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)


class _Entry(tarfile.TarInfo):
    """An entry whose extra headers are small; tarfile would read them whole into memory."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        entry = super().frombuf(buf, encoding, errors)
        if entry.type in PATH_HEADERS and entry.size > LARGEST_HEADER:
            raise tarfile.TarError("an entry's header is too large")
        return entry


class Section(io.RawIOBase):
    """The bytes of one ar member."""

    def __init__(self, stream: BinaryIO, member: Member) -> None:
        stream.seek(member.offset)
        self._stream = stream
        self._left = member.size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._stream.read(min(len(buffer), self._left))
        self._left -= len(data)
        buffer[: len(data)] = data
        return len(data)


class _Xz(io.RawIOBase):
    """Decompressed xz; unlike lzma.open, with a bound on memory."""

    def __init__(self, packed: io.RawIOBase) -> None:
        self._packed = packed
        self._lzma = lzma.LZMADecompressor(memlimit=MEMORY)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = b""
        while not data and not self._lzma.eof:
            packed = b""
            if self._lzma.needs_input:
                packed = self._packed.read(CHUNK) or b""
                if not packed:
                    raise EOFError
            data = self._lzma.decompress(packed, max_length=len(buffer))
        buffer[: len(data)] = data
        return len(data)


class _Bounded:
    """Hands out at most MOST_BYTES in all: a small file may unpack to any size."""

    def __init__(self, stream: io.RawIOBase, where: str) -> None:
        self._stream = stream
        self._where = where
        self._left = MOST_BYTES

    def read(self, size: int) -> bytes:
        data = self._stream.read(size) or b""
        self._left -= len(data)
        if self._left < 0:
            raise unreadable(self._where, f"it unpacks to more than {MOST_BYTES >> 30} GiB")
        return data


def entries(
    stream: BinaryIO, member: Member, where: str
) -> Iterator[tuple[tarfile.TarInfo, BinaryIO | None]]:
    """Each entry of the tar in `member`, with its content if it is a regular file.

    The content must be read before the next entry is asked for. Nothing is written anywhere.
    Raises PackageError for damage, an unknown compression, and sizes or numbers out of bounds.
    """
    try:
        packed = _Bounded(_unpacked(Section(stream, member), member.name, where), where)
        with tarfile.open(
            fileobj=cast("BinaryIO", packed), mode="r|", bufsize=CHUNK, tarinfo=_Entry
        ) as archive:
            for number, entry in enumerate(archive):
                if number == MOST_ENTRIES:
                    raise unreadable(where, f"it has more than {MOST_ENTRIES} entries")
                archive.members = []  # type: ignore[attr-defined]  # keep no list of them all
                content = archive.extractfile(entry) if entry.isreg() else None
                yield entry, cast("BinaryIO | None", content)
        while packed.read(CHUNK):
            pass  # to the end, where the checksum is
    except PackageError:
        raise
    except (
        tarfile.TarError, EOFError, OSError, ValueError, zlib.error, lzma.LZMAError,
        zstandard.ZstdError, MemoryError,
    ) as damage:  # fmt: skip
        raise unreadable(where, f"{member.name} is damaged or cut off") from damage


def _unpacked(packed: Section, name: str, where: str) -> io.RawIOBase:
    if name.endswith(".tar"):
        return packed
    if name.endswith(".gz"):
        return cast("io.RawIOBase", gzip.GzipFile(fileobj=cast("BinaryIO", packed)))
    if name.endswith(".xz"):
        return _Xz(packed)
    if name.endswith(".zst"):
        bounded = zstandard.ZstdDecompressor(max_window_size=MEMORY // 2)
        return cast("io.RawIOBase", bounded.stream_reader(cast("BinaryIO", packed)))
    raise unreadable(where, f"{name}: a compression that no server package has")
