"""The accounts in a recovery point: out of the state's files, or else the backup's ACL records."""

import json
import re
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic.alias_generators import to_camel, to_snake

from recovery.velociraptor.account_files import cleaned
from recovery.velociraptor.api import ROOT
from recovery.velociraptor.backup_file import orgs_in, read_rows
from recovery.velociraptor.inventory import digest
from recovery.velociraptor.stored_names import JSON, RECORD, same_user, stored_name

SERVER_ITSELF = "VelociraptorServer"
"""The server's own principal: its record is no person's account."""

_ADMIN_ROLES = frozenset({"administrator", "org_admin"})
_ADMIN_RIGHTS = frozenset(
    {
        "superUser",
        "allQuery",
        "anyQuery",
        "serverAdmin",
        "orgAdmin",
        "execve",
        "impersonation",
        "serverArtifactWriter",
        "filesystemWrite",
        "datastoreAccess",
    }
)
"""Single rights that are as good: to act as anybody, to write code or files on the server."""


_LIKE_SHORTENED = re.compile(r"%23[0-9a-f]{40}")


@dataclass(frozen=True)
class Account:
    """A user's rights in one org. ``policy`` is the ACL record without its empty parts.

    Its names are those of the datastore, in camel case (seen: a real server's ``acl/``).
    ``full_name``: where ``name`` is a shortened one (:mod:`recovery.accounts.full_names`).
    """

    org: str
    name: str
    policy: dict[str, Any]
    full_name: str = ""

    @property
    def names(self) -> set[str]:
        """What an operator may call it."""
        return {self.name, self.full_name or self.name}

    @property
    def shown(self) -> str:
        """The name as it was given, where the point has it."""
        return self.full_name or self.name

    @property
    def key(self) -> tuple[str, str]:
        return self.org, self.name

    @property
    def digest(self) -> str:
        """Changes with any right; what an approval is bound to."""
        return digest(self.policy)

    @property
    def is_admin(self) -> bool:
        """Whether these rights suffice to run anything on the server, or to make new users."""
        roles = set(self.policy.get("roles", []))
        return bool(roles & _ADMIN_ROLES) or bool(_ADMIN_RIGHTS & self.policy.keys())

    @property
    def words(self) -> str:
        """The rights as an operator reads and writes them (``user_grant``)."""
        rights = sorted(to_snake(key) for key in self.policy if key != "roles")
        return ", ".join([*self.policy.get("roles", []), *rights]) or "no rights"


def account_path(path: str) -> tuple[str, str, str] | None:
    """(kind, org, user) of a datastore path that belongs to an account; None for any other.

    ``kind`` is ``acl`` or ``users`` (facts: Datastore layout); names as they were given. One that
    is given in the form of a shortened one stays as its file has it: it is somebody else.
    """
    parts = path.removeprefix("./").split("/")
    org, parts = (parts[1], parts[2:]) if parts[0] == "orgs" else (ROOT, parts)
    match parts:
        case ["acl", name] if name.endswith(JSON):
            return "acl", org, _user_of(name, JSON)
        case ["users", name] if name.endswith(RECORD):
            return "users", org, _user_of(name, RECORD)
    return None


def _user_of(file: str, suffix: str) -> str:
    name = file.removesuffix(suffix)
    return name if _LIKE_SHORTENED.fullmatch(name) else stored_name(name)


def accounts_in_state(state: Path) -> list[Account]:
    """The accounts in one org's state tar."""
    found = []
    with tarfile.open(state) as tar:
        for member in tar:
            known = account_path(member.name)
            content = tar.extractfile(member) if known and known[0] == "acl" else None
            if known is None or content is None or known[2] == SERVER_ITSELF:
                continue
            policy = cleaned(json.loads(content.read()))
            if policy:
                found.append(Account(known[1], known[2], policy))
    return found


def users_without_rights(states: Sequence[Path]) -> list[str]:
    """Users with a record in the orgs' states and rights in none of them."""
    users: list[str] = []
    for state in states:
        with tarfile.open(state) as tar:
            known = [account_path(member.name) for member in tar if member.isreg()]
        users += [name for kind, _, name in filter(None, known) if kind == "users"]
    entitled = {same_user(account.name) for state in states for account in accounts_in_state(state)}
    return [name for name in users if same_user(name) not in entitled | {same_user(SERVER_ITSELF)}]


def as_stored(policy: Mapping[str, Any]) -> dict[str, Any]:
    """A policy of a backup as the datastore has it: there its names are in camel case."""
    return {to_camel(name): value for name, value in policy.items()}


def accounts_in_backup(backup: Path, only: str = "") -> list[Account]:
    """The accounts in a backup: of every org that it holds, or of one ``only``."""
    with zipfile.ZipFile(backup) as archive:
        return [
            Account(org, str(row["Principal"]["name"]), as_stored(cleaned(row["Policy"])))
            for org in orgs_in(archive)
            if only in ("", org)
            for row in read_rows(archive, f"orgs/{org}/acls.json")
        ]
