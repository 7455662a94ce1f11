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
from recovery.velociraptor.messages import protobuf_values
from recovery.velociraptor.records import is_json_record, json_record
from recovery.velociraptor.state_paths import is_hunt_list, record_of
from recovery.velociraptor.state_tar import (
    deciding_files,
    deciding_paths,
    forget_members,
    state_files,
)
from recovery.velociraptor.stored_names import same_user, stored_name

_HUNT = re.compile(r"(?:orgs/[^/]+/)?hunts/(H\.[^/]+?)(?:\.json)?\.db")
_USERS_FOLDER = re.compile(r"^users/([^/]+)/")
# What people set in their pages lies beside their records, all in one folder.
_USERS_OPTIONS = re.compile(r"^users/gui/([^/]+)\.json\.db$")
_RUNNING = (2, "RUNNING")
_PAUSED: dict[object, object] = {2: 1, "RUNNING": "PAUSED"}
# In a message: the field's number, an enumeration of 32 bits; given twice, the last one counts.
_STATE, _BITS = 8, 0xFFFFFFFF
_STATE_PAUSED = b"\x40\x01"


class Keep(Enum):
    """How much of the state is placed."""

    EVERYTHING = "everything"
    ACCOUNTS = "accounts"
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
    for file in state_files(source) if keep is Keep.EVERYTHING else deciding_files(source):
        name = file.path
        if keep is Keep.ORG_RECORDS and record_of(name) is None:
            continue
        if keep is Keep.ACCOUNTS and account_of(name) is None:
            continue
        if is_hunt_list(name) or not _is_allowed(name, allowed) or not wanted(name):
            continue
        data = file.read()
        if is_hunt(name):
            data, was_running = pause_hunt(data)
            paused += was_running
        entry = tarfile.TarInfo(name)
        entry.size, entry.mtime, entry.mode = len(data), file.changed, 0o600
        out.addfile(entry, io.BytesIO(data))
        forget_members(out)
        files += 1
    return Count(files, paused)


def is_hunt(path: str) -> bool:
    """Whether a file is a hunt's own record."""
    return _HUNT.fullmatch(path) is not None


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
    return [name for name in deciding_paths(source) if not _is_allowed(name, allowed)]


def account_of(path: str) -> tuple[str, str, str] | None:
    """(kind, org, user) of a person's file in a datastore; None for any other file.

    The server's own rights are nobody's; a record of a user by its name is somebody's.
    """
    if folder := _USERS_OPTIONS.match(path) or _USERS_FOLDER.match(path):
        return "settings", ROOT, stored_name(folder[1])
    account = account_path(path)
    return None if account is None or account[::2] == ("acl", SERVER_ITSELF) else account


def org_and_path(path: str) -> tuple[str, str]:
    """The org whose file it is, and the path inside that org; empty for the org's own record."""
    path = path.removeprefix("./")
    first, _, rest = path.partition("/")
    if first != "orgs":
        return ROOT, path
    org, _, inside = rest.partition("/")
    return org.removesuffix(".json.db"), inside


def pause_hunt(record: bytes) -> tuple[bytes, bool]:
    """A hunt's summary record with RUNNING turned into PAUSED; whether it was running.

    A record that a server doesn't take either is left as it is.
    """
    try:
        if not is_json_record(record):
            running = _state_in(record) & _BITS == _RUNNING[0]
            return record + _STATE_PAUSED if running else record, running
        hunt = json_record(record)
    except ValueError:
        return record, False
    if (state := hunt.get("state")) not in _RUNNING:
        return record, False
    return json.dumps(hunt | {"state": _PAUSED[state]}).encode(), True


def is_known_hunt(record: bytes) -> bool:
    """Whether it can be told what a server takes from a record."""
    try:
        _ = json_record(record) if is_json_record(record) else _state_in(record)
    except ValueError:
        return False
    return True


def _state_in(message: bytes) -> int:
    values = [value for number, value in protobuf_values(message) if number == _STATE]
    return next((value for value in reversed(values) if isinstance(value, int)), 0)


def org_records(source: Path) -> list[str]:
    """The ids of the orgs whose record (with name and nonce) is in ``source``."""
    return [org for path in deciding_paths(source) if (org := record_of(path)) is not None]


def running_hunts(source: Path) -> list[str]:
    """The ids of the hunts that were running when the state in ``source`` was captured."""
    return [
        match[1]
        for file in deciding_files(source)
        if (match := _HUNT.fullmatch(file.path)) and pause_hunt(file.read())[1]
    ]
