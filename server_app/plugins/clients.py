"""Clients, their labels and metadata, and the server's metadata."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from server_app.services.errors import denied
from server_app.vql.arguments import type_name
from server_app.vql.builtin.moments import moment
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
        "first_seen_at": optional("any"),
        "last_seen_at": optional("any"),
        "labels": optional("strings", []),
        "mac_addresses": optional("strings", []),
    },
    permission="SERVER_ADMIN",
    needs_server=True,
    changes=True,
    log_name="ERROR:client_create",
)
def client_create(call: Call, arguments: Arguments) -> dict[str, Any]:
    """A client's record without its key; times that are none count as not given."""
    times = {name: moment(arguments[name]) for name in ("first_seen_at", "last_seen_at")}
    known = {name: 0.0 if at is None else max(0.0, at.seconds) for name, at in times.items()}
    return dict(call.org.clients.create(**{**arguments, **known}))


@plugin(
    "client_delete",
    {"client_id": required("string"), "really_do_it": optional("bool", False)},
    permission="SERVER_ADMIN",
    needs_server=True,
)
def client_delete(call: Call, arguments: Arguments) -> Iterator[dict[str, Any]]:
    """Removes a client with all it has; without `really_do_it` it lists what would go."""
    if not arguments["client_id"].startswith("C."):
        wrong = f"Client Id '{arguments['client_id']}' should be of the form C.XXXX"
        call.log(f"ERROR:client_delete: {wrong}")
        return
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
    """Sets, removes or checks labels; `False` for a check that fails. Without `op`, nothing."""
    return call.org.clients.label(arguments["client_id"], arguments["labels"], arguments["op"])


@function("client_metadata", {"client_id": required("string")}, needs_server=True, log_name="")
def client_metadata(call: Call, arguments: Arguments) -> dict[str, Any]:
    if arguments["client_id"] == SERVER:
        return dict(server_metadata(call, {}))
    _need(call, "READ_RESULTS")
    return dict(call.org.clients.metadata(arguments["client_id"]))


@function("client_set_metadata", None, needs_server=True, changes=True, log_name="")
def client_set_metadata(call: Call, arguments: Arguments) -> bool:
    """Sets metadata from `metadata=`, else from the other arguments."""
    client_id = arguments.pop("client_id", None)
    if client_id is None:
        raise CallError("Field client_id is required")
    if client_id == SERVER:
        return bool(server_set_metadata(call, arguments))
    _need(call, "LABEL_CLIENT")
    metadata = _metadata(arguments)
    if not isinstance(client_id, str) or call.org.clients.record(client_id) is None:
        raise CallError("NotFoundError")
    return bool(call.org.clients.set_metadata(client_id, metadata))


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
        raise CallError(denied(permission))


def _metadata(arguments: Arguments) -> dict[str, Any]:
    metadata = arguments.get("metadata")
    if metadata is None:
        return dict(arguments)
    if not isinstance(metadata, dict):
        raise CallError(f"Field metadata should be a dict not {type_name(metadata)}.")
    return metadata
