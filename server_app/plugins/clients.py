"""Clients, their labels and metadata, and the server's metadata."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from server_app.vql.call import CallError
from server_app.vql.registry import Call, function, optional, plugin, required

Arguments = dict[str, Any]

SERVER = "server"
"""The id under which the server is its own client."""


@plugin(
    "clients",
    {"search": optional("string", ""), "client_id": optional("string", "")},
    permission="READ_RESULTS",
    needs_server=True,
)
def clients(call: Call, arguments: Arguments) -> Iterator[dict[str, Any]]:
    yield from call.org.clients.list(arguments["search"], arguments["client_id"])


@function(
    "client_info", {"client_id": required("string")}, permission="READ_RESULTS", needs_server=True
)
def client_info(call: Call, arguments: Arguments) -> dict[str, Any]:
    return dict(call.org.clients.info(arguments["client_id"]))


@function(
    "client_create",
    {
        "client_id": optional("string", ""),
        "hostname": optional("string", ""),
        "os": optional("string", ""),
        "first_seen_at": optional("time", 0),
        "last_seen_at": optional("time", 0),
        "labels": optional("strings", []),
        "mac_addresses": optional("strings", []),
    },
    permission="SERVER_ADMIN",
    needs_server=True,
    changes=True,
)
def client_create(call: Call, arguments: Arguments) -> dict[str, Any]:
    return dict(call.org.clients.create(**arguments))


@plugin(
    "client_delete",
    {"client_id": required("string"), "really_do_it": optional("bool", False)},
    permission="SERVER_ADMIN",
    needs_server=True,
)
def client_delete(call: Call, arguments: Arguments) -> Iterator[dict[str, Any]]:
    """Removes a client with all it has; without `really_do_it` it lists what would go."""
    yield from call.org.clients.delete(
        arguments["client_id"], arguments["really_do_it"], call.principal
    )


@function(
    "label",
    {
        "client_id": required("string"),
        "labels": required("strings"),
        "op": optional("string", ""),
    },
    permission="LABEL_CLIENT",
    needs_server=True,
    changes=True,
)
def label(call: Call, arguments: Arguments) -> Any:
    """Sets, removes or checks labels; `False` for a check that fails."""
    operation = arguments["op"] or "set"
    if operation not in ("set", "check", "remove"):
        raise CallError("unknown operation. Must be one of 'set', 'check' or 'remove'")
    return call.org.clients.label(arguments["client_id"], arguments["labels"], operation)


@function("client_metadata", {"client_id": required("string")}, needs_server=True)
def client_metadata(call: Call, arguments: Arguments) -> dict[str, Any]:
    if arguments["client_id"] == SERVER:
        return dict(server_metadata(call, {}))
    _need(call, "READ_RESULTS")
    return dict(call.org.clients.metadata(arguments["client_id"]))


@function("client_set_metadata", None, needs_server=True, changes=True)
def client_set_metadata(call: Call, arguments: Arguments) -> bool:
    """Sets metadata from `metadata=`, else from the other arguments."""
    client_id = arguments.pop("client_id", None)
    if not isinstance(client_id, str):
        raise CallError("client_id must be specified")
    if client_id == SERVER:
        return bool(server_set_metadata(call, arguments))
    _need(call, "LABEL_CLIENT")
    return bool(call.org.clients.set_metadata(client_id, _metadata(arguments)))


@function("server_metadata", {}, needs_server=True)
def server_metadata(call: Call, _arguments: Arguments) -> dict[str, Any]:
    _need(call, "SERVER_ADMIN")
    return dict(call.org.clients.server_metadata())


@function("server_set_metadata", None, needs_server=True, changes=True)
def server_set_metadata(call: Call, arguments: Arguments) -> bool:
    _need(call, "SERVER_ADMIN")
    return bool(call.org.clients.set_server_metadata(_metadata(arguments)))


def _need(call: Call, permission: str) -> None:
    if not call.run.allows(permission):
        raise CallError(f"Permission denied: [{permission}]")


def _metadata(arguments: Arguments) -> dict[str, Any]:
    metadata = arguments.get("metadata")
    if metadata is None:
        return dict(arguments)
    if not isinstance(metadata, dict):
        raise CallError("metadata should be a dict")
    return metadata
