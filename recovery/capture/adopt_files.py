"""A folder of old material, sorted: packages, configs, nonces, backups, exports; and the rest.

Files are known by their content, whatever their names: people rename them.
"""

import json
import re
import zipfile
from itertools import pairwise
from pathlib import Path
from typing import Any

from recovery.capture.adopt_zips import sort_zip
from recovery.capture.check_zip import DamagedZipError
from recovery.capture.export_index import IndexedOrgs
from recovery.capture.export_only import INDEXES
from recovery.capture.found import Found, FoundClient
from recovery.capture.look_inside import look_inside_here
from recovery.errors import BadInputError, RecoveryError
from recovery.vault.check_names import is_org
from recovery.velociraptor.config import ServerConfig
from recovery.velociraptor.foreign_yaml import ForeignYamlError, load_foreign_yaml

_LARGEST_TEXT = 8 << 20
_LARGEST_NOTE = 64 << 10
"""A person's note is short; another long text would take the YAML parser minutes."""
_LARGEST = {".yaml": _LARGEST_TEXT, ".yml": _LARGEST_TEXT, ".txt": _LARGEST_NOTE}
_LINK = "a link: put there what it points to"
_UNKNOWN = "not a package, config, backup or export"
_NONCE = re.compile(r"[A-Za-z0-9+/_-]{6,}={0,2}")
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
        return sort_zip(path, found, org)
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
