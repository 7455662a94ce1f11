"""The article's exports by themselves: zips that anyone can open, and an index of them.

No recovery point: readable without Velociraptor and without this toolkit. A flow that a
hunt's zip holds is not exported a second time.
"""

import csv
import io
import json
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import IO, Any

from recovery.capture.collection import Collection
from recovery.capture.export_archives import Exporter
from recovery.capture.list_collections import list_everywhere
from recovery.capture.open_scene import open_scene
from recovery.capture.options import CaptureOptions
from recovery.capture.scene import Say, Scene
from recovery.errors import BadInputError
from recovery.target import Target
from recovery.vault.identity import Identity
from recovery.vault.manifest import Archive, StoredObject
from recovery.vault.shelf import NotOnShelfError, Shelf

INDEX = "index.json"
_CSV = "index.csv"
INDEXES = frozenset({INDEX, _CSV})
_COLUMNS = (
    *("file", "kind", "org", "client_id", "hostname", "flow_id", "hunt_id", "artifacts"),
    *("active_at", "rows", "upload_bytes", "size", "sha256", "fingerprint", "lacks"),
)


def export_to(
    target: Target, shelf: Shelf, options: CaptureOptions, say: Say, *, password: str = ""
) -> tuple[list[Archive], list[str]]:
    """Exports chosen hunts and flows of every org to ``shelf``; the archives, and the gaps.

    What the index there lists already, unchanged, is not exported again. Raises
    :class:`recovery.errors.RecoveryError` when the server or the shelf can't be used.
    """
    before = read_index(shelf)
    with open_scene(target, options, say) as scene:
        wanted = choose(scene)
        known = {archive.fingerprint: archive for archive in before}
        folder = ExportFolder(shelf, before)
        archives = Exporter(scene, folder, known, password=password).export(wanted)
    folder.write(archives)
    return archives, scene.gaps


def choose(scene: Scene) -> list[Collection]:
    """Hunts first; then the flows that no exported hunt holds."""
    wanted: list[Collection] = []
    for found in list_everywhere(scene):
        hunts = [item for item in found if item.kind == "hunt"]
        held = {flow for hunt in hunts for flow in hunt.flows}
        flows = [item for item in found if item.kind == "flow"]
        wanted += hunts
        wanted += [flow for flow in flows if (flow.client_id, flow.ident) not in held]
    return wanted


class ExportFolder:
    """Zips by org and kind, and the index beside them."""

    def __init__(self, shelf: Shelf, before: Sequence[Archive]) -> None:
        self._shelf = shelf
        self._listed = list(before)

    def keep(self, item: Collection, zipped: IO[bytes]) -> StoredObject:
        """Writes one zip under a name that a person finds again."""
        identity = Identity()
        name = file_name(item)
        zipped.seek(0)
        with closing(identity.passed(zipped)) as content:
            self._shelf.write(name, content)
        return identity.of(name)

    def note(self, archives: Sequence[Archive]) -> None:
        """Writes the index so far: an export that is cut off is gone on with."""
        self.write(archives)

    def write(self, archives: Sequence[Archive]) -> None:
        """The index of these archives and of those that were there before."""
        self._listed += archives
        files = {archive.file.name: archive for archive in self._listed}
        rows = [_row(archive) for _, archive in sorted(files.items())]
        stamp = datetime.now(UTC).isoformat()
        raw = json.dumps({"written_at": stamp, "archives": rows}, indent=1).encode()
        self._shelf.write(INDEX, [raw])
        table = io.StringIO()
        writer = csv.DictWriter(table, _COLUMNS)
        writer.writeheader()
        writer.writerows({**row, "artifacts": " ".join(row["artifacts"])} for row in rows)
        self._shelf.write(_CSV, [table.getvalue().encode()])


def file_name(item: Collection) -> str:
    """``ORG/hunts/H.….zip`` or ``ORG/flows/HOST-CLIENT-FLOW.zip``; hunts end in ``.zip`` too."""
    if item.kind == "hunt":
        return f"{item.org}/hunts/{item.ident}.zip"
    host = "".join(char if char.isalnum() or char in "-_." else "_" for char in item.hostname)
    parts = [part for part in (host.strip("."), item.client_id, item.ident) if part]
    return f"{item.org}/flows/{'-'.join(dict.fromkeys(parts))}.zip"


def _row(archive: Archive) -> dict[str, Any]:
    values = archive.model_dump(mode="json")
    file = values.pop("file")
    values |= {"file": file["name"], "size": file["size"], "sha256": file["sha256"]}
    return {name: values[name] for name in _COLUMNS}


def read_index(shelf: Shelf) -> list[Archive]:
    """The archives that an earlier export's index lists.

    Raises :class:`BadInputError` when there is an index that isn't one: it is not overwritten.
    """
    try:
        with shelf.read(INDEX) as stream:
            rows = json.loads(stream.read())["archives"]
        return [_archive(row) for row in rows if shelf.size(row["file"]) == row["size"]]
    except NotOnShelfError:
        return []
    except (ValueError, KeyError, TypeError) as broken:
        raise BadInputError(
            f"{INDEX} there is not the index of an export",
            target=shelf.uri,
            hint="name an empty folder, or one that was exported to before",
        ) from broken


def _archive(row: dict[str, Any]) -> Archive:
    values = dict(row)
    name, size, sha256 = values.pop("file"), values.pop("size"), values.pop("sha256")
    if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
        raise ValueError(name)
    return Archive(file=StoredObject(name=name, size=size, sha256=sha256), **values)
