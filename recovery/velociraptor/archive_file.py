"""Collection archives: the export zips of flows and hunts, and the parts an import needs.

A flow's zip has ``collection_context.json``, ``client_info.json``, results and uploads at
its root; a hunt's has ``hunt_info.json`` and the same in one folder a flow.
"""

import json
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CLIENT_INFO = "client_info.json"
_CONTEXT = "collection_context.json"
_HUNT_INFO = "hunt_info.json"


@dataclass(frozen=True)
class FlowInside:
    """A flow in a hunt's zip: its folder (with a slash at its end) and whose it is."""

    folder: str
    client_id: str
    flow_id: str
    hostname: str
    artifacts: tuple[str, ...]


def flow_for_import(source: Path, into: Path, folder: str = "") -> Path:
    """Copies a flow out of ``source`` without its ``client_info.json``.

    With that file in the zip a server cuts the org off even an explicit client id, and the
    data lands on a ghost client (facts: Exports and imports).
    """
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(into, "w", zipfile.ZIP_STORED) as new:
        for item in old.infolist():
            name = item.filename.removeprefix(folder)
            if not item.filename.startswith(folder) or item.is_dir() or name == CLIENT_INFO:
                continue
            entry = zipfile.ZipInfo(name, date_time=max(item.date_time, (1980, 1, 1, 0, 0, 0)))
            with old.open(item) as reader, new.open(entry, "w", force_zip64=True) as writer:
                shutil.copyfileobj(reader, writer, 1 << 20)
    return into


def hunt_for_import(source: Path, into: Path) -> Path:
    """The hunt alone: its ``hunt_info.json``, without the flows, which come one by one."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(into, "w") as new:
        new.writestr(_HUNT_INFO, old.read(_HUNT_INFO))
    return into


def flows_inside(source: Path) -> list[FlowInside]:
    """The flows in a hunt's zip."""
    found = []
    with zipfile.ZipFile(source) as archive:
        names = set(archive.namelist())
        for name in sorted(names):
            folder, _, last = name.rpartition("/")
            if last != _CONTEXT or not folder or "/" in folder:
                continue
            context: dict[str, Any] = json.loads(archive.read(name))
            info_name = f"{folder}/{CLIENT_INFO}"
            info = json.loads(archive.read(info_name)) if info_name in names else {}
            found.append(
                FlowInside(
                    f"{folder}/",
                    str(context.get("client_id", "")),
                    str(context.get("session_id", "")),
                    str(info.get("hostname", "")),
                    tuple(context.get("artifacts_with_results", [])),
                )
            )
    return found
