"""Secrets kept by the server: secrets(), secret_add(), secret_modify()."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from server_app.vql.registry import Call, function, optional, plugin, required

Arguments = dict[str, Any]


@plugin("secrets", {}, permission="SERVER_ADMIN", needs_server=True)
def secrets(call: Call, _arguments: Arguments) -> Iterator[dict[str, Any]]:
    """A row a type of secret, with those of it that exist, their contents never."""
    yield from call.org.secrets.types()


@function(
    "secret_add",
    {"name": required("string"), "type": required("string"), "secret": required("dict")},
    permission="SERVER_ADMIN",
    needs_server=True,
    changes=True,
)
def secret_add(call: Call, arguments: Arguments) -> str:
    return str(
        call.org.secrets.add(
            arguments["name"], arguments["type"], arguments["secret"], call.principal
        )
    )


@function(
    "secret_modify",
    {
        "name": required("string"),
        "type": required("string"),
        "delete": optional("bool", False),
        "add_users": optional("strings", []),
        "remove_users": optional("strings", []),
        "visible_to_all_orgs": optional("bool"),
        "add_orgs": optional("strings", []),
        "remove_orgs": optional("strings", []),
    },
    permission="SERVER_ADMIN",
    needs_server=True,
    changes=True,
)
def secret_modify(call: Call, arguments: Arguments) -> str:
    """Shares a secret with users and orgs, takes it back, or deletes it."""
    return str(call.org.secrets.modify(principal=call.principal, **arguments))
