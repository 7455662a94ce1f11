"""A folder of old material, sorted: packages, configs, nonces, backups, exports; and the rest.

Files are known by their content, whatever their names: people rename them.
"""

import json
import re
import zipfile
from contextlib import suppress
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from recovery.capture.check_zip import DamagedZipError, ZipContent, check_zip
from recovery.capture.export_index import IndexedOrgs
from recovery.capture.export_only import INDEXES
from recovery.capture.found import Found, FoundBackup, FoundClient, FoundFlow, FoundHunt
from recovery.capture.look_inside import look_inside_here
from recovery.errors import BadInputError, RecoveryError
from recovery.vault.check_names import is_hunt, is_org, org_of_client, wrong_flow
from recovery.velociraptor.archive_file import LARGEST_RECORD, active_time
from recovery.velociraptor.backup_entries import backup_entries
from recovery.velociraptor.backup_file import orgs_in
from recovery.velociraptor.config import ServerConfig
from recovery.velociraptor.foreign_yaml import ForeignYamlError, load_foreign_yaml
from recovery.velociraptor.json_rows import rows_of
from recovery.velociraptor.refuse_zip import refusal
from recovery.velociraptor.same_folders import tell_apart

_CONTEXT = "collection_context.json"
_HUNT = "hunt_info.json"
_LARGEST_TEXT = 8 << 20
_LARGEST_NOTE = 64 << 10
"""A person's note is short; another long text would take the YAML parser minutes."""
_LARGEST = {".yaml": _LARGEST_TEXT, ".yml": _LARGEST_TEXT, ".txt": _LARGEST_NOTE}
_LINK = "a link: put there what it points to"
_UNKNOWN = "not a package, config, backup or export"
_COLLECTED = (
    "an offline collector's, which tells of no client: import it on the new server by hand "
    "(its artifact Server.Utils.ImportCollection)"
)
_NONCE = re.compile(r"[A-Za-z0-9+/_-]{6,}={0,2}")
_STAMP = re.compile(r"(\d{4}-\d{2}-\d{2})T(\d{2})_(\d{2})_(\d{2})Z")
# What anybody may have made ends in a line of the report, whatever it is.
_STRANGE = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    OverflowError,
    RecursionError,
    zipfile.BadZipFile,
    OSError,
)


def sort_files(folder: Path) -> Found:
    """Looks at every file below ``folder``, the oldest first. Nothing is changed there.

    Raises :class:`BadInputError` when there is no such folder.
    """
    if not folder.is_dir():
        raise BadInputError("no such folder", target=str(folder), hint="name the folder to adopt")
    found = Found()
    paths = list(folder.rglob("*"))
    links = [path for path in paths if path.is_symlink()]
    found.left |= {str(path.relative_to(folder)): _LINK for path in links}
    files = [path for path in paths if path.is_file() and not path.is_symlink()]
    indexed = IndexedOrgs(files)
    for path in sorted(files, key=lambda path: (path.stat().st_mtime, path)):
        try:
            org = org_of_folder(path.relative_to(folder)) or indexed.of(path)
            why = _sort(path, found, org)
        except (RecoveryError, DamagedZipError) as refused:
            why = getattr(refused, "message", str(refused))
        except _STRANGE as strange:
            why = f"can't be understood: {strange}"
        if why:
            found.left[str(path.relative_to(folder))] = why
    return found


def org_of_folder(path: Path) -> str:
    """The org of ``…/orgs/ID/…``, as a datastore has it; empty elsewhere."""
    for parent, org in pairwise(path.parts[:-1]):
        if parent == "orgs" and is_org(org):
            return org
    return ""


def _sort(path: Path, found: Found, org: str) -> str:
    with path.open("rb") as file:
        first = file.read(8)
    if first == b"!<arch>\n":
        found.packages.append(look_inside_here(path))
        return ""
    if first[:4] == b"PK\x03\x04" or path.suffix == ".zip":
        return _sort_zip(path, found, org)
    if path.name in INDEXES:
        return ""
    if path.name.endswith((".json", ".json.db")):
        return _sort_record(path, found)
    largest = _LARGEST.get(path.suffix, 0)
    if path.stat().st_size < largest:
        return _sort_yaml(path, found)
    return _UNKNOWN


def _sort_record(path: Path, found: Found) -> str:
    """An org's record, as a datastore keeps it; what a server notes beside an export is no loss."""
    values = json.loads(path.read_bytes()) if path.stat().st_size < _LARGEST_TEXT else None
    if isinstance(values, dict) and {"id", "nonce"} <= set(values):
        about = {"nonce": values["nonce"], "name": values.get("name") or ""}
        return _sort_note({values["id"]: about}, found, any_id=True)
    if path.name.endswith(".json.db") and "downloads" in path.parts:
        return ""
    return _UNKNOWN


def _sort_yaml(path: Path, found: Found) -> str:
    raw = path.read_bytes()
    try:
        values = load_foreign_yaml(raw)
    except ForeignYamlError as wrong:
        return str(wrong)
    if not isinstance(values, dict):
        return _UNKNOWN
    if "Frontend" in values and "Datastore" in values:
        found.configs.append((path, ServerConfig.parse(raw, source=str(path))))
        return ""
    client = values.get("Client") or {}
    if nonce := client.get("nonce"):
        found.clients.append(FoundClient(path, str(nonce), str(client.get("ca_certificate") or "")))
        return ""
    return _sort_note(values, found)


def _sort_note(values: dict[str, Any], found: Found, *, any_id: bool = False) -> str:
    """A person's note: ``ORG: NONCE``, or ``ORG: {name: …, nonce: …}``.

    ``any_id``: also an id that a server did not make up itself; in a text it could be any word.
    """
    for org, said in values.items():
        about = said if isinstance(said, dict) else {"nonce": said}
        known = is_org(str(org)) and (any_id or str(org).startswith("O"))
        if not known or not is_nonce(about.get("nonce")):
            return "not a config, nor a note of nonces (ORG: NONCE)"
        found.nonces[str(org)] = str(about["nonce"])
        if about.get("name"):
            found.names[str(org)] = str(about["name"])
    return ""


def is_nonce(said: object) -> bool:
    """Whether it may be an org's nonce: base64 as a server makes it."""
    return _NONCE.fullmatch(str(said)) is not None


def _sort_zip(path: Path, found: Found, org: str) -> str:
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
