"""The accounts in a recovery point: out of the state's files, or else the backup's ACL records."""

import hashlib
import json
import re
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic.alias_generators import to_snake

from recovery.accounts.sign_in import SignIn
from recovery.accounts.stored_policy import checked_policy, stored_policy, together
from recovery.errors import BadInputError
from recovery.velociraptor.api import ROOT
from recovery.velociraptor.backup_file import orgs_in, read_rows
from recovery.velociraptor.records import why
from recovery.velociraptor.state_tar import deciding_files, deciding_paths
from recovery.velociraptor.stored_names import JSON, RECORD, same_user, stored_name

SERVER_ITSELF = "VelociraptorServer"
"""The server's own principal: its record is no person's account."""
_HINT = "choose another point: `recovery points list`; nothing was changed on the machine"

_ADMIN_ROLES = frozenset({"administrator", "org_admin", "artifact_writer"})
"""The last one is "akin to administrator": its artifacts run as root on endpoints (a server's own
words, read in its source)."""
_ADMIN_RIGHTS = frozenset(
    {
        "superUser",
        "allQuery",
        "anyQuery",
        "serverAdmin",
        "orgAdmin",
        "execve",
        "impersonation",
        "artifactWriter",
        "serverArtifactWriter",
        "filesystemWrite",
        "datastoreAccess",
    }
)
"""Single rights that are as good: to act as anybody, to write code, or files on the server."""


_LIKE_SHORTENED = re.compile(r"%23[0-9a-f]{40}")


@dataclass(frozen=True)
class Account:
    """A user's rights in one org. ``policy`` is the ACL record without its empty parts.

    Its names are those of the datastore, in camel case (seen: a real server's ``acl/``).
    ``full_name``: where ``name`` is a shortened one (:mod:`recovery.accounts.sign_ins`).
    """

    org: str
    name: str
    policy: dict[str, Any]
    full_name: str = ""
    sign_in: SignIn | None = None
    """None where the point doesn't tell: no backup does."""

    @property
    def names(self) -> set[str]:
        """What an operator may call it."""
        return {self.name, self.full_name or self.name}

    def is_called(self, name: str) -> bool:
        """Whether an operator means it by ``name``: small and capital letters are the same."""
        return same_user(name) in map(same_user, self.names)

    @property
    def shown(self) -> str:
        """The name as it was given, where the point has it."""
        return self.full_name or self.name

    @property
    def key(self) -> tuple[str, str]:
        return self.org, self.name

    @property
    def rights(self) -> str:
        """Changes with any right; what an approval is bound to.

        A whole SHA-256: of a shorter one, two policies could be made that share it.
        """
        text = json.dumps(self.policy, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def is_admin(self) -> bool:
        """Whether these rights suffice to run anything on the server or on endpoints by one's own
        code, or to make new users.
        """
        roles = set(self.policy.get("roles", []))
        return bool(roles & _ADMIN_ROLES) or bool(_ADMIN_RIGHTS & self.policy.keys())

    @property
    def words(self) -> str:
        """The rights as an operator reads and writes them (``user_grant``)."""
        rights = sorted(to_snake(key) for key in self.policy if key != "roles")
        locked = ["locked"] if self.is_locked else []
        return ", ".join([*self.policy.get("roles", []), *rights, *locked]) or "no rights"

    @property
    def is_locked(self) -> bool:
        """Whether its user can't sign in, whatever the rights."""
        return self.sign_in is not None and self.sign_in.locked


def account_path(path: str) -> tuple[str, str, str] | None:
    """(kind, org, user) of a datastore path that belongs to an account; None for any other.

    ``kind`` is ``acl`` or ``users`` (facts: Datastore layout); names as they were given. One that
    is given in the form of a shortened one stays as its file has it: it is somebody else. Where no
    ``acl/x.json.db`` is, a server takes ``acl/x.db`` (read in its source: older ones wrote it).
    """
    parts = path.removeprefix("./").split("/")
    org, parts = (parts[1], parts[2:]) if parts[0] == "orgs" else (ROOT, parts)
    match parts:
        case ["acl", name] if name.endswith(RECORD):
            return "acl", org, _user_of(name, JSON if name.endswith(JSON) else RECORD)
        case ["users", name] if name.endswith(RECORD):
            return "users", org, _user_of(name, RECORD)
    return None


def _user_of(file: str, suffix: str) -> str:
    name = file.removesuffix(suffix)
    return name if _LIKE_SHORTENED.fullmatch(name) else stored_name(name)


def accounts_in_state(state: Path) -> list[Account]:
    """The accounts in one org's state tar.

    Raises :class:`BadInputError` for a record that no server writes: what one takes from it is
    not known.
    """
    found = []
    for file in deciding_files(state):
        known = account_path(file.path)
        if known is None or known[0] != "acl" or known[2] == SERVER_ITSELF:
            continue
        try:
            policy = stored_policy(file.read())
        except ValueError as wrong:
            raise _no_rights(file.path, wrong) from wrong
        if policy:
            found.append(Account(known[1], known[2], policy))
    return found


def as_one_user(accounts: Iterable[Account]) -> list[Account]:
    """The accounts, each once, with all that the records of its user in its org allow. Pure.

    A file's name can be spelt in more than one way for the same user.
    """
    by_name: dict[tuple[str, str], Account] = {}
    policies: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for account in accounts:
        by_name[account.key] = account
        policies[account.org, same_user(account.name)].append(account.policy)
    return [
        replace(account, policy=together(policies[account.org, same_user(account.name)]))
        for account in by_name.values()
    ]


def users_without_rights(states: Sequence[Path]) -> list[str]:
    """Users with a record in the orgs' states and rights in none of them."""
    known = [account_path(path) for state in states for path in deciding_paths(state)]
    users = [name for kind, _, name in filter(None, known) if kind == "users"]
    entitled = {same_user(account.name) for state in states for account in accounts_in_state(state)}
    return [name for name in users if same_user(name) not in entitled | {same_user(SERVER_ITSELF)}]


def accounts_in_backup(backup: Path, only: str = "") -> list[Account]:
    """The accounts in a backup: of every org that it holds, or of one ``only``.

    Raises :class:`BadInputError` as :func:`accounts_in_state`.
    """
    with zipfile.ZipFile(backup) as archive:
        return [
            account
            for org in orgs_in(archive)
            if only in ("", org)
            for account in _in_acls(archive, org)
        ]


def _in_acls(archive: zipfile.ZipFile, org: str) -> list[Account]:
    member = f"orgs/{org}/acls.json"
    try:
        rows = [(row["Principal"]["name"], row["Policy"]) for row in read_rows(archive, member)]
        if not all(isinstance(name, str) for name, _ in rows):
            raise ValueError("a name that is none")  # noqa: TRY301 - one way out
        return [Account(org, name, checked_policy(policy or {})) for name, policy in rows]
    except (ValueError, TypeError, KeyError) as wrong:
        raise _no_rights(member, wrong) from wrong


def _no_rights(path: str, wrong: Exception) -> BadInputError:
    return BadInputError(f"{path} is no record of rights: {why(wrong)}", hint=_HINT)
