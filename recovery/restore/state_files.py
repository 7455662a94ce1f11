"""What of a state tar is placed, and how a running hunt's record is paused on the way."""

import io
import json
import re
import tarfile
from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from recovery.accounts.read_accounts import SERVER_ITSELF, account_path
from recovery.velociraptor.api import ROOT
from recovery.velociraptor.stored_names import same_user, stored_name

_HUNT = re.compile(r"^(?:orgs/[^/]+/)?hunts/H\.[^/]+\.json\.db$")
# The server's list of hunts, written every ten minutes and believed at a start: it would bring
# back paused hunts as running, and leave out the newest. Without it the records are read.
_HUNT_INDEX = re.compile(r"^(?:orgs/[^/]+/)?hunts/index\.json(?:\.index)?$")
_ORG_RECORD = re.compile(r"^orgs/[^/]+\.json\.db$")
_USERS_FOLDER = re.compile(r"^users/([^/]+)/")
# What people set in their pages lies beside their records, all in one folder.
_USERS_OPTIONS = re.compile(r"^users/gui/([^/]+)\.json\.db$")
_RUNNING = (2, "RUNNING")
_PAUSED: dict[object, object] = {2: 1, "RUNNING": "PAUSED"}


class Keep(Enum):
    """How much of the state is placed."""

    EVERYTHING = "everything"
    ORG_RECORDS = "org records"


@dataclass(frozen=True)
class Count:
    """Files copied, and how many of them were running hunts, now paused."""

    files: int
    paused: int


def copy_state(
    source: Path,
    out: tarfile.TarFile,
    keep: Keep,
    allowed: Collection[tuple[str, str]] | None = None,
    wanted: Callable[[str], bool] = lambda _path: True,
) -> Count:
    """Copies the members of ``source`` into ``out``, hunts that ran as paused ones.

    ``allowed``: (org, user) that may come back; the files of other accounts are left out.
    ``wanted``: whether a path was chosen by the operator.
    """
    files = paused = 0
    with tarfile.open(source) as tar:
        for member in tar:
            name = member.name.removeprefix("./")
            if keep is Keep.ORG_RECORDS and not _ORG_RECORD.match(name):
                continue
            if not member.isreg() or _HUNT_INDEX.match(name):
                continue
            if not _is_allowed(name, allowed) or not wanted(name):
                continue
            content = tar.extractfile(member)
            data = content.read() if content else b""
            if _HUNT.match(name):
                data, was_running = pause_hunt(data)
                paused += was_running
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime, entry.mode = len(data), member.mtime, 0o600
            out.addfile(entry, io.BytesIO(data))
            files += 1
    return Count(files, paused)


def _is_allowed(path: str, allowed: Collection[tuple[str, str]] | None) -> bool:
    """Whether a file may come back; a user's own record may when any org lets the user in."""
    if allowed is None:
        return True
    if (account := account_of(path)) is None:
        return True
    kind, org, user = account
    if kind == "acl":
        return (org, user) in allowed
    return same_user(user) in {same_user(name) for _, name in allowed}


def held_files(source: Path, allowed: Collection[tuple[str, str]] | None) -> list[str]:
    """The paths of the accounts' files in ``source`` that may not come back."""
    with tarfile.open(source) as tar:
        names = [member.name.removeprefix("./") for member in tar if member.isreg()]
    return [name for name in names if not _is_allowed(name, allowed)]


def account_of(path: str) -> tuple[str, str, str] | None:
    """(kind, org, user) of a person's file in a datastore; None for any other file."""
    if folder := _USERS_OPTIONS.match(path) or _USERS_FOLDER.match(path):
        return "settings", ROOT, stored_name(folder[1])
    account = account_path(path)
    return None if account is None or account[2] == SERVER_ITSELF else account


def org_and_path(path: str) -> tuple[str, str]:
    """The org whose file it is, and the path inside that org; empty for the org's own record."""
    path = path.removeprefix("./")
    first, _, rest = path.partition("/")
    if first != "orgs":
        return ROOT, path
    org, _, inside = rest.partition("/")
    return org.removesuffix(".json.db"), inside


def pause_hunt(record: bytes) -> tuple[bytes, bool]:
    """A hunt's summary record with RUNNING turned into PAUSED; whether it was running."""
    try:
        hunt = json.loads(record)
    except ValueError:
        return record, False
    if not isinstance(hunt, dict) or hunt.get("state") not in _RUNNING:
        return record, False
    hunt["state"] = _PAUSED[hunt["state"]]
    return json.dumps(hunt).encode(), True


def org_records(source: Path) -> list[str]:
    """The ids of the orgs whose record (with name and nonce) is in ``source``."""
    with tarfile.open(source) as tar:
        names = [member.name.removeprefix("./") for member in tar if member.isreg()]
    return [org_and_path(name)[0] for name in names if _ORG_RECORD.match(name)]


def running_hunts(source: Path) -> list[str]:
    """The ids of the hunts that were running when the state in ``source`` was captured."""
    found = []
    with tarfile.open(source) as tar:
        for member in tar:
            if member.isreg() and _HUNT.match(member.name.removeprefix("./")):
                content = tar.extractfile(member)
                if content and pause_hunt(content.read())[1]:
                    found.append(member.name.rpartition("/")[2].removesuffix(".json.db"))
    return found
