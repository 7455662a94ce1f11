"""Is a zip from the server whole, and what is in it?

A damaged member would be imported with rows silently missing, and a full disk leaves a
backup of 0 bytes that the server calls a success (facts: Exports and imports, backup()).
"""

import json
import re
import struct
import zipfile
import zlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import IO

from recovery.velociraptor.json_rows import Row, rows_of
from recovery.velociraptor.same_folders import tell_apart

_CHUNK = 1 << 20
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    NotImplementedError,
    RuntimeError,
    EOFError,
    ValueError,
    OSError,
)
_RESULTS = re.compile(r"(?:[^/]+/)?results/(?!All ).+\.json")
_CSV = re.compile(r"(?:[^/]+/)?(?:results/(?!All ).+|uploads)\.csv")
_UPLOADS = re.compile(r"(?:[^/]+/)?uploads/.+")
_LIST = re.compile(r"(?:[^/]+/)?uploads\.json")


@dataclass(frozen=True)
class ZipContent:
    """What a checked zip holds. ``rows``: lines of its results; ``upload_bytes``: of its files."""

    members: frozenset[str]
    rows: int
    upload_bytes: int
    listed_bytes: int = 0
    """What its own lists of uploads say, each file once. A sparse file may come out larger."""

    @property
    def only_csv(self) -> bool:
        """Whether results were exported as CSV without the JSON that an import reads."""
        return any(
            _CSV.fullmatch(name) and f"{name.removesuffix('.csv')}.json" not in self.members
            for name in self.members
        )


class DamagedZipError(Exception):
    """Not a whole zip; the message says what is wrong, for a line in the report."""


def check_names(file: IO[bytes], *, needs: Collection[str]) -> frozenset[str]:
    """The members of a zip whose content is encrypted: only its outer shape can be checked."""
    try:
        with zipfile.ZipFile(file) as archive:
            names = frozenset(archive.namelist())
    except _BROKEN as broken:
        raise DamagedZipError(f"not a whole zip: {broken}") from broken
    if missing := sorted(set(needs) - names):
        raise DamagedZipError(f"lacks {', '.join(missing[:3])}")
    return names


def check_zip(file: IO[bytes], *, needs: Collection[str] = ()) -> ZipContent:
    """Reads every member of a seekable zip once: its CRC, its rows, its bytes.

    ``needs`` are members that must be there. Raises :class:`DamagedZipError`.
    """
    rows = upload_bytes = listed = 0
    member = ""
    try:
        with zipfile.ZipFile(file) as archive:
            tell_apart(archive)
            names = frozenset(archive.NameToInfo)
            for info in archive.infolist():
                member = info.filename
                if _LIST.fullmatch(member):
                    listed += _listed_bytes(rows_of(archive, info))
                    continue
                lines = size = 0
                with archive.open(info) as content:
                    while chunk := content.read(_CHUNK):
                        size += len(chunk)
                        lines += chunk.count(b"\n")
                if _RESULTS.fullmatch(member):
                    rows += lines
                elif _UPLOADS.fullmatch(member):
                    upload_bytes += size
    except _BROKEN as broken:
        where = f"damaged at {member}" if member else "not a whole zip"
        raise DamagedZipError(f"{where}: {broken}") from broken
    if not names:
        raise DamagedZipError("empty")
    if missing := sorted(set(needs) - names):
        raise DamagedZipError(f"lacks {', '.join(missing[:3])}")
    return ZipContent(names, rows, upload_bytes, listed)


def _listed_bytes(rows: Iterable[Row]) -> int:
    """Bytes of the files that a flow's list of uploads names; read to its end, for its CRC.

    A file uploaded twice is stored once, as it came last; the index of a sparse file is none.
    """
    sizes: dict[str, int] = {}
    for row in rows:
        if row and row.get("Type") != "idx":
            place = json.dumps(row.get("_Components") or row.get("vfs_path"))
            sizes[place] = int(row.get("uploaded_size") or 0)
    return sum(sizes.values())
