"""Accounts and their rights: gui_users(), user_create(), user_grant(), passwd() and the like."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from server_app.vql.call import CallError
from server_app.vql.registry import Call, function, optional, plugin, required

Arguments = dict[str, Any]


@plugin("gui_users", {"all_orgs": optional("bool", False)}, needs_server=True, log_name="users")
def gui_users(call: Call, arguments: Arguments) -> Iterator[dict[str, Any]]:
    yield from call.org.users.list(arguments["all_orgs"], call.principal)


@function("whoami")
def whoami(call: Call, _arguments: Arguments) -> str:
    return call.principal


@function("user", {"user": required("string"), "org": optional("string", "")}, needs_server=True)
def user(call: Call, arguments: Arguments) -> dict[str, Any]:
    """One account as the current org has it, whatever `org` says (as on a real server)."""
    return dict(call.org.users.get(arguments["user"]))


def _may_change(call: Call, orgs: list[str]) -> None:
    """One needs the root org's right to make orgs, or a server admin's in each org concerned."""
    user, server = call.run.principal, call.org.server
    if user is None or server.org("").users.has_permission(user, "ORG_ADMIN"):
        return
    for name in orgs or [call.org.org_id]:
        org = server.org(name)
        if not org.users.has_permission(user, "SERVER_ADMIN"):
            raise CallError(f"Error: PermissionDenied, User {user} is not admin on {org.name}. ")


@function(
    "user_create",
    {
        "user": required("string"),
        "roles": required("strings"),
        "password": optional("string"),
        "orgs": optional("strings", []),
        "sub": optional("string"),
    },
    needs_server=True,
    changes=True,
)
def user_create(call: Call, arguments: Arguments) -> str:
    """Makes an account, or gives an existing one these roles and maybe a password."""
    _may_change(call, arguments["orgs"])
    return str(
        call.org.users.create(
            arguments["user"],
            arguments["roles"] or [],
            password=arguments["password"],
            orgs=arguments["orgs"],
        )
    )


@function(
    "user_grant",
    {
        "user": required("string"),
        "roles": optional("strings", []),
        "orgs": optional("strings", []),
        "policy": optional("dict"),
    },
    needs_server=True,
    changes=True,
)
def user_grant(call: Call, arguments: Arguments) -> str:
    """Sets an account's policy: roles and single permissions."""
    _may_change(call, arguments["orgs"])
    if not arguments["roles"] and arguments["policy"] is None:
        raise CallError("You must provide either roles or a policy object")
    return str(
        call.org.users.grant(
            arguments["user"],
            roles=arguments["roles"],
            orgs=arguments["orgs"],
            policy=arguments["policy"],
        )
    )


@function(
    "user_delete",
    {
        "user": required("string"),
        "orgs": optional("strings", []),
        "really_do_it": optional("bool", False),
    },
    needs_server=True,
    changes=True,
)
def user_delete(call: Call, arguments: Arguments) -> str:
    """Takes an account out of orgs; without `really_do_it` it only says so."""
    _may_change(call, arguments["orgs"])
    orgs = arguments["orgs"] or [call.org.org_id]
    if arguments["really_do_it"]:
        call.org.users.delete(arguments["user"], orgs=orgs, really_do_it=True)
    else:
        call.fail(f"Will remove {arguments['user']} from orgs [{' '.join(orgs)}]")
    return str(arguments["user"])


@function(
    "passwd",
    {"user": optional("string"), "password": required("string")},
    needs_server=True,
    changes=True,
)
def passwd(call: Call, arguments: Arguments) -> str:
    """A new password; the account has to be named (the real one says it need not be)."""
    name, password = arguments["user"], arguments["password"]
    if len(password) < 4:  # noqa: PLR2004 - the real limit
        raise CallError("Password is not set or too short")
    if not name:
        raise CallError("Must set a username")
    if name != call.principal and not call.run.allows("SERVER_ADMIN"):
        raise CallError("PermissionDenied")
    return str(call.org.users.passwd(name, password))
