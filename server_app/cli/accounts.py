"""`user …`, `acl …` and `org ls`: accounts, rights and orgs, straight in the datastore."""

from __future__ import annotations

import argparse
import getpass
import json
import os
import sys
from typing import TYPE_CHECKING

from server_app.cli.main import CommandError
from server_app.cli.tables import escaped
from server_app.config import ConfigError, load_config
from server_app.config.document import require
from server_app.services.directory import SUPERUSER
from server_app.services.roles import PERMISSIONS
from server_app.vql.builtin.faults import line_fault

if TYPE_CHECKING:
    from server_app.services import Server

Flags = argparse.Namespace

WARNING = """
NOTE: This command changes the underlying data in the data store.

These changes may not be immediately visible to a running server
so you should restart the server to pick up these changes.
The recommended way to make these changes is via the API.
See the following for more information

https://docs.velociraptor.app/docs/server_automation/server_api/
"""
"""What a real server says, word for word: scripts look for it."""


def _server(flags: Flags) -> Server:
    from server_app.services import Server

    try:
        config = require(load_config(flags.config), ("Frontend", "Datastore"))
    except ConfigError as error:
        raise CommandError(f"Unable to load config file: {error}") from error
    return Server(config)


def user_add(flags: Flags) -> None:
    """Adds a user, or changes an existing one's password; not seen by a running server (facts)."""
    users = _server(flags).org("").users
    users.add_roles(flags.username, flags.role.split(","))
    users.add(flags.username, flags.password or _password())
    sys.stdout.write(WARNING)


_PROMPT = "Enter user's password: "


def _password() -> str:
    """From the terminal alone: a pipe is none (seen on a real server, which grants roles first)."""
    try:
        is_terminal = os.isatty(sys.stdin.fileno())
    except (OSError, ValueError, AttributeError):
        is_terminal = False
    if is_terminal:
        return getpass.getpass(_PROMPT, stream=sys.stdout)
    sys.stdout.write(_PROMPT)
    raise CommandError("Unable to read password from terminal: inappropriate ioctl for device")


def user_show(flags: Flags) -> None:
    """Shows a user's record; with hashes, also what `GUI.initial_users` wants."""
    users = _server(flags).org("").users
    if flags.with_hashes:
        record = users.record(flags.username, with_hashes=True)
        sys.stdout.write(
            "The following are suitable to add into the initial users field of the config file.\n"
        )
        sys.stdout.write(f"Password hash is {record['password_hash'].hex()}\n")
        sys.stdout.write(f"Password salt is {record['password_salt'].hex()}\n")
    shown = users.record(flags.username, with_hashes=False)
    sys.stdout.write(escaped(json.dumps(shown, indent=1, ensure_ascii=False)))


def acl_grant(flags: Flags) -> None:
    """Sets a principal's policy in an org, merged with the old one if asked."""
    try:
        policy = json.loads(flags.policy)
    except ValueError as error:
        fault = line_fault(flags.policy, error)
        raise CommandError(f"Invalid policy object: {fault}") from error
    if not isinstance(policy, dict):
        raise CommandError("Invalid policy object: a JSON object is expected")
    known = {*PERMISSIONS.values(), "all_query", "publish_queues", "roles", "super_user"}
    policy = {key: value for key, value in policy.items() if key in known}
    users = _server(flags).org(flags.org).users
    if not users.exists(flags.principal) and flags.principal != SUPERUSER:
        raise CommandError(f"User not found: {flags.principal}")
    roles = flags.role.split(",") if flags.role else []
    if roles:
        before = users.policy(flags.principal).get("roles") if flags.merge else None
        named: list[str] = list(policy.get("roles") or before or [])
        policy["roles"] = [*named, *(role for role in roles if role not in named)]
    users.grant_cli(flags.principal, policy, flags.merge)
    sys.stdout.write(WARNING)


def acl_show(flags: Flags) -> None:
    """A principal's policy in the root org, as JSON on one line; --org changes nothing."""
    users = _server(flags).org("").users
    if not users.has_policy(flags.principal):
        raise CommandError(f"Unable to load existing policy for '{flags.principal}': NotFoundError")
    read = users.effective_policy if flags.effective else users.policy
    sys.stdout.write(json.dumps(read(flags.principal), separators=(",", ":")) + "\n")


def org_list(flags: Flags) -> None:
    """The orgs, one a line: id and name."""
    server = _server(flags)
    for row in server.org("").orgs.list("VelociraptorServer"):
        sys.stdout.write(f"{row['OrgId']}\t{row['Name']}\n")
