"""The zip that ``backup()`` writes: read it, and rewrite a member with a right index.

Members for an org: ``orgs/<id>/{acls,client_info,hunts,notebooks,custom_artifacts}.json``,
JSON lines, each with a binary ``.index``, and ``orgs/<id>/artifacts/<Name>.yaml``
(facts: backup() and backup_restore()).
"""

import json
import re
import shutil
import struct
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from recovery.velociraptor.json_rows import Row, rows_of

_COUNT_SHIFT = 40
_LARGEST_YAML = 16 << 20
"""A server's own requests end at 4 MiB."""
_LARGEST_YAMLS = 256 << 20
_YAML = re.compile(r"artifacts/([A-Za-z0-9_.]+)\.yaml")


def read_rows(archive: zipfile.ZipFile, member: str) -> list[Row]:
    """All rows of a JSON-lines member, kept. Raises as :func:`rows_of`."""
    return list(rows_of(archive, member))


def orgs_in(archive: zipfile.ZipFile) -> list[str]:
    """The ids of the orgs that the backup holds, the root org first."""
    found = {name.split("/")[1] for name in archive.namelist() if name.startswith("orgs/")}
    return sorted(found, key=lambda org: (org != "root", org))


PARTS = {
    "acls": "users' rights",
    "client_info": "clients and labels",
    "hunts": "hunts",
    "notebooks": "notebooks",
    "custom_artifacts": "artifacts' tags",
}
"""A member of every org's, ``orgs/<id>/<part>.json``, and what is lost without it."""


def lacking_parts(archive: zipfile.ZipFile, org: str) -> list[str]:
    """The parts of :data:`PARTS` that the backup hasn't got of ``org``."""
    members = set(archive.namelist())
    return [part for part in PARTS if f"orgs/{org}/{part}.json" not in members]


def artifact_rows(archive: zipfile.ZipFile, org: str) -> Iterator[tuple[Row, str]]:
    """Each custom artifact of an org: its row (``artifact``, ``metadata``), and its YAML.

    A backup made inside another org has its artifacts at the zip's root (facts: backup()). One
    without the list of them has the YAMLs all the same.
    """
    members = set(archive.namelist())
    if f"orgs/{org}/custom_artifacts.json" not in members:
        for name in sorted(members):
            if match := _YAML.fullmatch(name.removeprefix(f"orgs/{org}/")):
                yield {"artifact": match[1], "filename": match[0]}, _text(archive, name)
        return
    for row in read_rows(archive, f"orgs/{org}/custom_artifacts.json"):
        for name in (f"orgs/{org}/{row['filename']}", str(row["filename"])):
            if name in members:
                yield row, _text(archive, name)
                break


def _text(archive: zipfile.ZipFile, member: str) -> str:
    if archive.getinfo(member).file_size > _LARGEST_YAML:
        raise ValueError(f"{member} is larger than any artifact: {_LARGEST_YAML >> 20} MB")
    return archive.read(member).decode("utf-8", "replace")


def artifacts_of(archive: zipfile.ZipFile, org: str) -> list[tuple[str, str, Row]]:
    """(name, YAML, metadata: tags and flags) of an org's custom artifacts.

    Raises :class:`ValueError` as :func:`rows_of`, and for more text than a server could hold.
    """
    found, size = [], 0
    for row, text in artifact_rows(archive, org):
        size += len(text)
        if size > _LARGEST_YAMLS:
            raise ValueError(f"its artifacts are more than {_LARGEST_YAMLS >> 20} MB of text")
        found.append((str(row["artifact"]), text, dict(row.get("metadata") or {})))
    return found


def rewrite_hunts(source: Path, into: Path, keep: Callable[[str, Row], Row | None]) -> Path:
    """Copies the backup; ``keep(org, hunt)`` returns each hunt as it shall be, or None."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED) as new:
        replaced: dict[str, bytes] = {}
        for org in orgs_in(old):
            member = f"orgs/{org}/hunts.json"
            hunts = [keep(org, hunt) for hunt in read_rows(old, member)]
            lines, index = result_set([hunt for hunt in hunts if hunt is not None])
            replaced |= {member: lines, f"{member}.index": index}
        for item in old.infolist():
            if item.filename in replaced:
                new.writestr(item.filename, replaced[item.filename])
                continue
            with old.open(item) as reader, new.open(item.filename, "w", force_zip64=True) as writer:
                shutil.copyfileobj(reader, writer, 1 << 20)
    return into


def write_hunts(into: Path, org: str, hunts: Iterable[Row]) -> Path:
    """A backup of nothing but these hunts of ``org``."""
    lines, index = result_set(hunts)
    with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED) as new:
        new.writestr(f"orgs/{org}/hunts.json", lines)
        new.writestr(f"orgs/{org}/hunts.json.index", index)
    return into


def result_set(rows: Iterable[Row]) -> tuple[bytes, bytes]:
    """Rows as JSON lines, and their index."""
    lines = bytearray()
    index = bytearray()
    for row in rows:
        index += index_entry(len(lines))
        lines += json.dumps(row, separators=(",", ":")).encode() + b"\n"
    return bytes(lines), bytes(index)


def index_entry(offset: int) -> bytes:
    """A row's entry in the index of a result set: a little-endian u64.

    The lower 40 bits hold the row's offset in bytes, the upper 24 the number of rows at it
    (read off real files: one row a line).
    """
    return struct.pack("<Q", offset | (1 << _COUNT_SHIFT))
