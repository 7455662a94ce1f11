"""Why a zip is handed to nobody: its list, names, links, promises of size. No content is read."""

import re
import stat
import zipfile
from collections.abc import Collection, Sequence

from recovery.velociraptor.one_directory import has_two_lists

_RATIO = 300
"""Deflate reaches 1032. Rows of a collection rarely pass 100; beyond this it is no collection."""
_FREE = 256 << 20
"""Bytes that may unpack from however little: a disk and a memory hold that much."""
_LOCAL_HEADER = 30
_ENCRYPTED = 0x1
_CONTROL = re.compile(r"[\x00-\x1f]")
_UPLOAD = re.compile(r"(?:[^/]+/)?uploads/.+")


def refusal(archive: zipfile.ZipFile) -> str:
    """Why nothing is read of a zip; empty where nothing speaks against it."""
    members = archive.infolist()
    if not members:
        return "is empty"
    if has_two_lists(archive):
        return "has an end that contradicts itself: a server could find other members in it"
    seen: set[str] = set()
    for member in members:
        if wrong := _wrong_member(member, seen):
            return f"holds {wrong}"
        seen.add(member.filename)
    return _bomb(members)


def _wrong_member(member: zipfile.ZipInfo, seen: Collection[str]) -> str:
    name = member.filename
    if wrong := _wrong_name(member.orig_filename):
        return f"{wrong}: {member.orig_filename!r}"
    # A file that a flow has uploaded twice is in its export twice (read in the source).
    if name in seen and not _UPLOAD.match(name):
        return f"two members of one name: {name!r}"
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return f"a link or device: {name!r}"
    return f"an encrypted member: {name!r}" if member.flag_bits & _ENCRYPTED else ""


def _wrong_name(name: str) -> str:
    if not name or "\0" in name:
        return "a name that is none"
    if name.startswith("/") or ".." in name.split("/") or "\\" in name or name[1:2] == ":":
        return "a path outside of where it is unpacked"
    if _CONTROL.search(name):
        return "a name with control characters"
    return ""


def _bomb(members: Sequence[zipfile.ZipInfo]) -> str:
    """Too much in too little, or the same bytes counted twice."""
    unpacked = sum(member.file_size for member in members)
    packed = sum(member.compress_size for member in members)
    if unpacked > _FREE and unpacked > _RATIO * max(packed, 1):
        return f"unpacks to {unpacked // max(packed, 1)} times its size ({unpacked} bytes)"
    end = 0
    for member in sorted(members, key=lambda member: member.header_offset):
        if member.header_offset < end:
            return f"holds members that overlap: {member.filename!r}"
        end = member.header_offset + _LOCAL_HEADER + member.compress_size
    return ""
