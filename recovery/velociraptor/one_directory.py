"""Does a zip have one list of members, whoever reads it?

Readers look for the list in different ways where the end of a zip contradicts itself: what is
looked at here could be other members than those that a server takes (seen on 0.77.2, by a list
before a ZIP64 record that the plain one does not announce, and by an end within a comment).
"""

import os
import struct
import zipfile
from typing import IO, NamedTuple

_END, _END_SIZE = b"PK\x05\x06", 22
_LOCATOR, _LOCATOR_SIZE = b"PK\x06\x07", 20
_END64, _END64_SIZE = b"PK\x06\x06", 56
_LONGEST_COMMENT = 0xFFFF
_MANY, _FAR = 0xFFFF, 0xFFFFFFFF
"""In the plain record: the ZIP64 one tells how many members, how much and where."""


class _Directory(NamedTuple):
    members: int
    size: int
    at: int


def has_two_lists(archive: zipfile.ZipFile) -> bool:
    """Whether a server may find another list of members in it than the one of ``archive``."""
    file: IO[bytes] | None = archive.fp
    if file is None:
        raise ValueError("the zip is closed")
    total = file.seek(0, os.SEEK_END)
    tail_at = max(0, total - _END_SIZE - _LONGEST_COMMENT)
    tail = _read(file, tail_at, total - tail_at)
    place = tail.rfind(_END, 0, len(tail) - _END_SIZE + len(_END))
    members, size, at, comment = struct.unpack("<10xHIIH", tail[place : place + _END_SIZE])
    plain, end = _Directory(members, size, at), tail_at + place
    if place + _END_SIZE + comment > len(tail):
        return True
    far = _zip64(file, end)
    if far is None:
        return plain != _read_here(archive, end)
    there, locator_right = far
    here = _read_here(archive, end - _LOCATOR_SIZE - _END64_SIZE)
    if not locator_right or there != here:
        return True
    told = plain.members == _MANY or plain.at == _FAR
    fields = zip(plain, here, (_MANY, _FAR, _FAR), strict=True)
    return not all(said in (real, more) if told else said == real for said, real, more in fields)


def _read_here(archive: zipfile.ZipFile, end: int) -> _Directory:
    """The list that was read: it ends where the record about it begins."""
    start: int = archive.start_dir
    return _Directory(len(archive.infolist()), end - start, start)


def _zip64(file: IO[bytes], end: int) -> tuple[_Directory, bool] | None:
    """What the ZIP64 record says, and whether it is where its locator says; None without one."""
    begin = end - _LOCATOR_SIZE - _END64_SIZE
    if begin < 0:
        return None
    raw = _read(file, begin, _END64_SIZE + _LOCATOR_SIZE)
    record, locator = raw[:_END64_SIZE], raw[_END64_SIZE:]
    if locator[:4] != _LOCATOR:
        return None
    disk, at, disks = struct.unpack("<4xIQI", locator)
    right = record[:4] == _END64 and (disk, at, disks) == (0, begin, 1)
    return _Directory(*struct.unpack("<32xQQQ", record)), right


def _read(file: IO[bytes], at: int, size: int) -> bytes:
    file.seek(at)
    return file.read(size)
