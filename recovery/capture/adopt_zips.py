"""A zip among old material, sorted by its content: a backup, a flow's export, or a hunt's."""

import json
import re
import zipfile
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from recovery.capture.check_zip import ZipContent, check_zip
from recovery.capture.found import Found, FoundBackup, FoundFlow, FoundHunt
from recovery.errors import BadInputError
from recovery.vault.check_names import is_hunt, is_org, org_of_client, wrong_flow
from recovery.velociraptor.archive_file import LARGEST_RECORD, active_time
from recovery.velociraptor.backup_entries import backup_entries
from recovery.velociraptor.backup_file import orgs_in
from recovery.velociraptor.json_rows import rows_of
from recovery.velociraptor.refuse_zip import refusal
from recovery.velociraptor.same_folders import tell_apart

_CONTEXT = "collection_context.json"
_HUNT = "hunt_info.json"
_COLLECTED = (
    "an offline collector's, which tells of no client: import it on the new server by hand "
    "(its artifact Server.Utils.ImportCollection)"
)
_STAMP = re.compile(r"(\d{4}-\d{2}-\d{2})T(\d{2})_(\d{2})_(\d{2})Z")


def sort_zip(path: Path, found: Found, org: str) -> str:
    """Adds it to ``found``, or tells why it is none of them. ``org``: where its folder tells it.

    Raises :class:`BadInputError` and what strange content raises.
    """
    with suppress(zipfile.BadZipFile), zipfile.ZipFile(path) as archive:
        if archive.namelist() == ["data.zip"]:  # how a server encrypts an export
            return "encrypted by a password: unpack its data.zip first (7z x), and adopt that"
        if set(archive.namelist()) == {"data.zip", "metadata.json"}:
            return f"encrypted for the server: {_COLLECTED}"
        tell_apart(archive)
        _refuse(refusal(archive))  # before anything of it is unpacked
    with path.open("rb") as file:
        content = check_zip(file)
    with zipfile.ZipFile(path) as archive:
        tell_apart(archive)
        if any(name.startswith("orgs/") for name in content.members):
            found.backups.append(_backup(path, archive))
        elif _HUNT in content.members:
            found.hunts.append(_hunt(path, archive, content, org))
        elif _CONTEXT in content.members:
            found.flows.append(_flow(path, archive, content, org))
        elif all(name.endswith((".yaml", ".yml", "/")) for name in content.members):
            return "a pack of artifacts: import it on the new server (its pages: View Artifacts)"
        else:
            return "neither a backup nor an export"
    return ""


def _refuse(wrong: str) -> None:
    if wrong:
        raise BadInputError(wrong)


def _backup(path: Path, archive: zipfile.ZipFile) -> FoundBackup:
    orgs = tuple(orgs_in(archive))
    for org in orgs:
        _refuse("" if is_org(org) else f"no id of an org: {org!r}")
        backup_entries(archive, org)  # what can't be counted can't be restored either
    return FoundBackup(path, orgs, _made_at(path, archive, orgs))


def _hunt(path: Path, archive: zipfile.ZipFile, content: ZipContent, org: str) -> FoundHunt:
    info = _read(archive, _HUNT)
    ident = str(info.get("hunt_id", ""))
    _refuse("" if is_hunt(ident) else f"no id of a hunt: {ident!r}")
    contexts = [
        name
        for name in sorted(content.members)
        if name.endswith(f"/{_CONTEXT}") and name.count("/") == 1
    ]
    members = tuple(_read(archive, name) for name in contexts)
    owners: set[str] = set()
    for name, member in zip(contexts, members, strict=True):
        client, flow = str(member.get("client_id") or ""), str(member.get("session_id") or "")
        _refuse("" if client and flow else f"{name} is no record of a flow")
        _refuse(wrong_flow(org_of_client(client), client, flow, ()))
        active_time(member)
        owners.add(org_of_client(client))
    # An import takes a hunt's export whole or not at all.
    _refuse(f"holds flows of several orgs: {', '.join(sorted(owners))}" if len(owners) > 1 else "")
    return FoundHunt(path, info, members, content, org)


def _flow(path: Path, archive: zipfile.ZipFile, content: ZipContent, org: str) -> FoundFlow:
    context = _read(archive, _CONTEXT)
    client, flow = str(context.get("client_id") or ""), str(context.get("session_id") or "")
    _refuse("" if client or not flow else _COLLECTED)
    _refuse("" if client and flow else "the export of a flow that did not exist")
    _refuse(wrong_flow(org_of_client(client), client, flow, ()))
    active_time(context)  # what is no time is refused here
    host = str(_read(archive, "client_info.json").get("hostname", ""))
    uploads = tuple(
        {name: row.get(name) for name in ("_Components", "uploaded_size")}
        for row in rows_of(archive, "uploads.json")
    )
    if client != "server":
        own = org_of_client(client)
        # A client that an import made in another org has no org in its id.
        return FoundFlow(
            path, context, host, content, uploads, own if own != "root" else org or own
        )
    told = bool(org) or "downloads" in path.parts
    return FoundFlow(path, context, host, content, uploads, org or "root", told)


def _read(archive: zipfile.ZipFile, name: str) -> dict[str, Any]:
    try:
        _refuse(
            f"{name} is too large for what it is"
            if archive.getinfo(name).file_size > LARGEST_RECORD
            else ""
        )
        value = json.loads(archive.read(name))
    except (KeyError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _made_at(path: Path, archive: zipfile.ZipFile, orgs: tuple[str, ...]) -> datetime:
    """By its name, else by the last contact of any client in it, else by the file's time."""
    stamp = _STAMP.search(path.name)
    if stamp:
        text = f"{stamp[1]}T{stamp[2]}:{stamp[3]}:{stamp[4]}+00:00"
        return datetime.fromisoformat(text)
    rows = (row for org in orgs for row in rows_of(archive, f"orgs/{org}/client_info.json"))
    with suppress(ValueError, OverflowError, OSError):
        if ping := max((int(row.get("ping") or 0) for row in rows), default=0):
            return datetime.fromtimestamp(ping / 1e6, UTC)
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)
