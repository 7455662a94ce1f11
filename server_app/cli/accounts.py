"""`user …`, `acl …` and `org ls`: accounts, rights and orgs, straight in the datastore."""

from __future__ import annotations

import argparse
import getpass
import json
import sys
from typing import TYPE_CHECKING

from server_app.cli.main import CommandError
from server_app.config import load_config
from server_app.config.document import require

if TYPE_CHECKING:
    from server_app.services import Server

Flags = argparse.Namespace

WARNING = """
NOTE: the datastore was changed underneath the server.

A server that is running may not see the change before it is restarted.
Over the API a change is seen at once.
"""


def _server(flags: Flags) -> Server:
    from server_app.services import Server

    return Server(require(load_config(flags.config), ("Frontend", "Datastore")))


def user_add(flags: Flags) -> None:
    """Adds a user, or changes an existing one's password; not seen by a running server (facts)."""
    password = flags.password
    if not password:
        sys.stdout.write("Enter user's password: ")
        sys.stdout.flush()
        password = getpass.getpass("") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    roles = [role.strip() for role in flags.role.split(",") if role.strip()]
    _server(flags).org(flags.org).users.add(flags.username, roles, password)
    sys.stdout.write(WARNING)


def user_show(flags: Flags) -> None:
    """Shows a user's record; with hashes, also what `GUI.initial_users` wants."""
    users = _server(flags).org("").users
    if flags.with_hashes:
        record = users.record(flags.username, with_hashes=True)
        sys.stdout.write("For GUI.initial_users in the configuration file:\n")
        sys.stdout.write(f"Password hash is {record['password_hash'].hex()}\n")
        sys.stdout.write(f"Password salt is {record['password_salt'].hex()}\n")
    shown = users.record(flags.username, with_hashes=False)
    sys.stdout.write(json.dumps(shown, indent=1, ensure_ascii=False))


def acl_grant(flags: Flags) -> None:
    """Sets a principal's policy in an org, merged with the old one if asked."""
    try:
        policy = json.loads(flags.policy)
    except ValueError as error:
        raise CommandError(f"Invalid policy object: {error}") from error
    if not isinstance(policy, dict):
        raise CommandError("Invalid policy object: a JSON object is expected")
    users = _server(flags).org(flags.org).users
    if not users.exists(flags.principal):
        raise CommandError(f"User not found: {flags.principal}")
    roles = [role.strip() for role in flags.role.split(",") if role.strip()]
    if roles:
        before = users.policy(flags.principal).get("roles") if flags.merge else None
        named: list[str] = list(policy.get("roles") or before or [])
        policy["roles"] = [*named, *(role for role in roles if role not in named)]
    users.grant_cli(flags.principal, policy, flags.merge)
    sys.stdout.write(WARNING)


def acl_show(flags: Flags) -> None:
    """A principal's policy as JSON on one line."""
    users = _server(flags).org(flags.org).users
    read = users.effective_policy if flags.effective else users.policy
    sys.stdout.write(json.dumps(read(flags.principal), separators=(",", ":")) + "\n")


def org_list(flags: Flags) -> None:
    """The orgs, one a line: id and name."""
    server = _server(flags)
    for row in server.org("").orgs.list("VelociraptorServer"):
        sys.stdout.write(f"{row['OrgId']}\t{row['Name']}\n")
