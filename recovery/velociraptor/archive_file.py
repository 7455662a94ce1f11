"""Collection archives: the export zips of flows and hunts, and the parts an import needs.

A flow's zip has ``collection_context.json``, ``client_info.json``, results and uploads at
its root; a hunt's has ``hunt_info.json`` and the same in one folder a flow.
"""

import json
import shutil
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from recovery.errors import BadInputError

CLIENT_INFO = "client_info.json"
_CONTEXT = "collection_context.json"
_HUNT_INFO = "hunt_info.json"
LARGEST_RECORD = 64 << 20


Place = tuple[str, str]
"""(client, flow)."""


@dataclass(frozen=True, slots=True)
class FlowInside:
    """A flow in a hunt's zip: its folder (with a slash at its end) and whose it is."""

    folder: str
    client_id: str
    flow_id: str
    hostname: str
    artifacts: tuple[str, ...]
    active_at: datetime | None = None

    @property
    def place(self) -> Place:
        return self.client_id, self.flow_id


def flow_for_import(
    archive: zipfile.ZipFile,
    items: Iterable[zipfile.ZipInfo],
    into: Path | IO[bytes],
    folder: str = "",
) -> None:
    """Copies a flow, the ``items`` in ``folder``, out of a zip without its ``client_info.json``.

    With that file in the zip a server cuts the org off even an explicit client id, and the
    data lands on a ghost client (facts: Exports and imports).
    """
    with zipfile.ZipFile(into, "w", zipfile.ZIP_STORED) as new:
        for item in items:
            name = item.filename.removeprefix(folder)
            if item.is_dir() or name == CLIENT_INFO:
                continue
            entry = zipfile.ZipInfo(name, date_time=max(item.date_time, (1980, 1, 1, 0, 0, 0)))
            with archive.open(item) as reader, new.open(entry, "w", force_zip64=True) as writer:
                shutil.copyfileobj(reader, writer, 1 << 20)


def hunt_alone(archive: zipfile.ZipFile, into: Path) -> Path:
    """The hunt's own ``hunt_info.json``, without the flows, which come one by one."""
    with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED) as new:
        new.writestr(_HUNT_INFO, archive.read(_HUNT_INFO))
    return into


def by_folder(archive: zipfile.ZipFile) -> dict[str, list[zipfile.ZipInfo]]:
    """The members of a hunt's zip by the flow they are of: folder, with its slash → members."""
    found: dict[str, list[zipfile.ZipInfo]] = defaultdict(list)
    for item in archive.infolist():
        folder, slash, _ = item.filename.partition("/")
        found[folder + slash].append(item)
    return found


def flows_inside(archive: zipfile.ZipFile, source: str) -> list[FlowInside]:
    """The flows in a hunt's zip. Raises :class:`BadInputError` when one can't be understood.

    ``source``: its name, for errors.
    """
    folders = [
        folder
        for name in sorted(archive.namelist())
        for folder, _, last in [name.rpartition("/")]
        if last == _CONTEXT and folder and "/" not in folder
    ]
    return [_flow(archive, f"{folder}/", source) for folder in folders]


def flow_of(archive: zipfile.ZipFile, source: str) -> FlowInside:
    """The flow in a flow's zip. Raises :class:`BadInputError` when it holds none."""
    return _flow(archive, "", source)


def hunt_of(archive: zipfile.ZipFile, source: str) -> str:
    """The id of the hunt in a hunt's zip. Raises :class:`BadInputError` when it holds none."""
    return str(_object(archive, _HUNT_INFO, source).get("hunt_id", ""))


def hunt_of_flow(flow_id: str) -> str:
    """The hunt of a hunt's own flow, by its id (F.X.H is of H.X, seen: fixtures); else empty."""
    inside = flow_id.removeprefix("F.").removesuffix(".H")
    return f"H.{inside}" if flow_id == f"F.{inside}.H" else ""


def hunt_record(source: Path) -> dict[str, Any]:
    """A hunt as its zip has it, without the request that a server would send to clients."""
    with zipfile.ZipFile(source) as archive:
        record = _object(archive, _HUNT_INFO, source.name)
    request = record.get("start_request")
    if isinstance(request, dict):
        request.pop("compiled_collector_args", None)
    return record


def _flow(archive: zipfile.ZipFile, folder: str, source: str) -> FlowInside:
    context = _object(archive, f"{folder}{_CONTEXT}", source)
    info_name = f"{folder}{CLIENT_INFO}"
    info = _object(archive, info_name, source) if info_name in archive.NameToInfo else {}
    names = context.get("artifacts_with_results") or []
    if not isinstance(names, list):
        raise BadInputError(f"{folder}{_CONTEXT} in {source} is not a flow's")
    try:
        active_at = active_time(context)
    except ValueError as wrong:
        raise BadInputError(f"{folder}{_CONTEXT} in {source} is not a flow's: {wrong}") from wrong
    return FlowInside(
        folder,
        str(context.get("client_id", "")),
        str(context.get("session_id", "")),
        str(info.get("hostname", "")),
        tuple(str(name) for name in names),
        active_at,
    )


def active_time(context: Mapping[str, Any]) -> datetime | None:
    """When a flow was last active, by its record in microseconds; None where it doesn't say.

    Raises :class:`ValueError` for what is no time.
    """
    stamp = context.get("active_time") or context.get("create_time") or 0
    try:
        micros = int(stamp)
        return datetime.fromtimestamp(micros / 1e6, UTC) if micros else None
    except (TypeError, ValueError, OverflowError, OSError) as wrong:
        raise ValueError(f"no time: {str(stamp)[:40]!r}") from wrong


def _object(archive: zipfile.ZipFile, name: str, source: str) -> dict[str, Any]:
    """A JSON object in a zip that anybody may have made."""
    try:
        if archive.getinfo(name).file_size > LARGEST_RECORD:
            raise BadInputError(f"{name} in {source} is too large for what it is")
        value = json.loads(archive.read(name))
    except KeyError:
        raise BadInputError(f"{source} holds no {name}: it is not an export") from None
    except (ValueError, RecursionError) as broken:
        raise BadInputError(f"{name} in {source} is not JSON: {broken}") from broken
    if not isinstance(value, dict):
        raise BadInputError(f"{name} in {source} is not an object")
    return value
