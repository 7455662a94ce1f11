"""What the API never tells: password hashes, every ACL, the stored form of secrets.

They are read from the datastore by one command on the target (facts: Datastore layout).
A user record is a protobuf message; of its fields only the name (1), hash (2) and salt (3)
are looked at. Nothing read here leaves this module but as a digest.
"""

import io
import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from recovery.errors import ServerError
from recovery.target import Target
from recovery.velociraptor.inventory import Entries, digest
from recovery.velociraptor.messages import protobuf_fields
from recovery.velociraptor.stored_names import JSON, stored_name

ROOT = "root"
_SERVER_ITSELF = "VelociraptorServer"
_TRIES = 3

# The clients' folders can hold millions of files: they are never entered.
_SCRIPT = (
    'cd "$1" && find . \\( -path ./clients -o -path "./orgs/*/clients" \\) -prune -o -type f '
    '\\( -path "./users/*.db" -o -path "./acl/*.json.db" -o -path "./orgs/*/acl/*.json.db" '
    '-o -path "./config/secrets/*" -o -path "./orgs/*/config/secrets/*" \\) -print0 '
    "| tar --null -cf - -T -"
)


@dataclass(frozen=True)
class AccountFiles:
    """Digests from the datastore: users and passwords of the server, the rest per org."""

    users: Entries = field(default_factory=dict)
    passwords: Entries = field(default_factory=dict)
    options: Entries = field(default_factory=dict)
    acls: dict[str, Entries] = field(default_factory=dict)
    secrets: dict[str, Entries] = field(default_factory=dict)


def read_account_files(target: Target, datastore: str) -> AccountFiles:
    """Reads them all by one command; tried again when a file changes meanwhile.

    Raises :class:`recovery.errors.CommandError` when the folder can't be read, and
    :class:`ServerError` when a file isn't what this version of Velociraptor writes.
    """
    argv = ["bash", "-o", "pipefail", "-c", _SCRIPT, "accounts", datastore]
    for _ in range(_TRIES - 1):
        done = target.run(argv, check=False, timeout=300)
        if done.returncode == 0:
            break
    else:
        done = target.run(argv, timeout=300)
    return digest_account_files(_members(done.stdout), target.uri)


def _members(tar: bytes) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        for member in archive:
            content = archive.extractfile(member)
            if content is not None:
                yield member.name.removeprefix("./"), content.read()


def digest_account_files(files: Iterator[tuple[str, bytes]], source: str = "") -> AccountFiles:
    """From (path below the datastore, content) to digests; paths of other things are passed by."""
    found = AccountFiles()
    for path, content in files:
        org, parts = _org_and_parts(path)
        try:
            match parts:
                case ["users", _] if org == ROOT:
                    _add_user(found, content)
                case ["users", "gui", name] if org == ROOT and name.endswith(JSON):
                    options = cleaned(json.loads(content))
                    if options:
                        user = stored_name(name, JSON)
                        found.options[user] = digest(options)
                case ["acl", name]:
                    user = stored_name(name, JSON)
                    policy = cleaned(json.loads(content))
                    if policy and user != _SERVER_ITSELF:
                        found.acls.setdefault(org, {})[user] = digest(policy)
                case ["config", "secrets", kind, name]:
                    key = f"{stored_name(kind)}/{stored_name(name, JSON)}"
                    found.secrets.setdefault(org, {})[key] = digest(cleaned(json.loads(content)))
        except (ValueError, IndexError, KeyError) as broken:
            raise ServerError(
                f"{path} can't be understood: {broken}",
                step="read the accounts",
                target=source,
                hint="if the server reads it well, this Velociraptor is newer than the toolkit",
            ) from broken
    return found


def _org_and_parts(path: str) -> tuple[str, list[str]]:
    parts = path.split("/")
    return (parts[1], parts[2:]) if parts[0] == "orgs" else (ROOT, parts)


def _add_user(found: AccountFiles, record: bytes) -> None:
    fields = dict(protobuf_fields(record))
    name = fields[1].decode()
    found.users[name] = digest(name)
    if 2 in fields:  # noqa: PLR2004 - field numbers of the record
        found.passwords[name] = digest([fields[2].hex(), fields.get(3, b"").hex()])


def cleaned(value: Any) -> Any:
    """A JSON value without its empty parts, lists of words in order: equal content, equal form."""
    if isinstance(value, dict):
        parts = {key: cleaned(part) for key, part in value.items()}
        return {
            key: part for key, part in parts.items() if part not in (None, False, 0, "", {}, [])
        }
    if isinstance(value, list):
        items = [cleaned(item) for item in value]
        return sorted(items) if all(isinstance(item, str) for item in items) else items
    return value
