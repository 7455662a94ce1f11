"""Flows: collect, list, results, uploads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from server_app.services.artifacts import Definition
from server_app.services.errors import denied
from server_app.services.forwarding_events import ROWS
from server_app.vql.call import CallError
from server_app.vql.registry import Call, function, optional, plugin, required

Arguments = dict[str, Any]
Rows = Iterator[dict[str, Any]]


@plugin(
    "flows",
    {
        "client_id": required("string"),
        "flow_id": optional("string", ""),
        "summary": optional("bool", False),
    },
    permission="READ_RESULTS",
    needs_server=True,
)
def flows(call: Call, arguments: Arguments) -> Rows:
    yield from call.org.flows.list(
        arguments["client_id"], arguments["flow_id"], arguments["summary"]
    )


@function(
    "collect_client",
    {
        "client_id": required("string"),
        "artifacts": required("strings"),
        "env": optional("dict"),
        "spec": optional("dict"),
        "flow_id": optional("string", ""),
        "timeout": optional("int", 0),
        "ops_per_sec": optional("float", 0),
        "cpu_limit": optional("float", 0),
        "iops_limit": optional("float", 0),
        "max_rows": optional("int", 0),
        "max_bytes": optional("int", 0),
        "urgent": optional("bool", False),
        "org_id": optional("string", ""),
    },
    needs_server=True,
    changes=True,
)
def collect_client(call: Call, arguments: Arguments) -> dict[str, Any]:
    """Schedules a collection on a client, or runs it on the server itself."""
    given = dict(arguments)
    target = given.pop("org_id")
    org = call.org.server.org(target) if target else call.org
    permission = "COLLECT_SERVER" if given["client_id"] == "server" else "COLLECT_CLIENT"
    user = call.run.principal
    if user is not None and not org.users.has_permission(user, permission):
        raise CallError(
            f"PermissionDenied: User {user} is not allowed to launch flows {permission}."
        )
    client_id, artifacts = given.pop("client_id"), given.pop("artifacts")
    if not artifacts:
        raise CallError("no artifacts to collect!")
    given["ops_per_second"] = given.pop("ops_per_sec")
    return dict(org.flows.collect(client_id, artifacts, principal=call.principal, **given))


_ONE_FLOW = {"client_id": required("string"), "flow_id": required("string")}


@function(
    "cancel_flow", {**_ONE_FLOW, "flow_id": optional("string", "")}, needs_server=True, changes=True
)
def cancel_flow(call: Call, arguments: Arguments) -> Any:
    permission = "COLLECT_SERVER" if arguments["client_id"] == "server" else "COLLECT_CLIENT"
    if not call.run.allows(permission):
        raise CallError(denied(permission))
    return call.org.flows.cancel(arguments["client_id"], arguments["flow_id"], call.principal)


@plugin(
    "delete_flow",
    {**_ONE_FLOW, "really_do_it": optional("bool", False), "sync": optional("bool", False)},
    permission="DELETE_RESULTS",
    needs_server=True,
)
def delete_flow(call: Call, arguments: Arguments) -> Rows:
    yield from call.org.flows.delete(
        arguments["flow_id"],
        arguments["client_id"],
        arguments["really_do_it"],
        call.principal,
    )


@plugin("flow_logs", _ONE_FLOW, permission="READ_RESULTS", needs_server=True)
def flow_logs(call: Call, arguments: Arguments) -> Rows:
    yield from call.org.flows.logs(arguments["client_id"], arguments["flow_id"])


@plugin(
    "uploads",
    {
        "client_id": optional("string"),
        "flow_id": optional("string"),
        "hunt_id": optional("string"),
        "notebook_id": optional("string"),
    },
    permission="READ_RESULTS",
    needs_server=True,
)
def uploads(call: Call, arguments: Arguments) -> Rows:
    """Uploaded files of a flow or hunt; a flow's ids may come from the scope."""
    yield from call.org.flows.uploads(
        client_id=_given(call, arguments, "client_id", "ClientId"),
        flow_id=_given(call, arguments, "flow_id", "FlowId"),
        hunt_id=arguments["hunt_id"] or "",
    )


@plugin(
    "flow_results",
    {**_ONE_FLOW, "artifact": optional("string", ""), "source": optional("string", "")},
    permission="READ_RESULTS",
    needs_server=True,
)
def flow_results(call: Call, arguments: Arguments) -> Rows:
    try:
        if arguments["artifact"]:
            _need_source(call, arguments["artifact"])
    except CallError as error:
        call.log(f"source: {error}")  # the real one asks source()
        return
    client_id, flow_id = arguments["client_id"], arguments["flow_id"]
    unnamed = not arguments["artifact"]
    if unnamed and call.org.flows.get(client_id, flow_id, request=False) is None:
        call.log(f"flow_results: Flow not found: {flow_id} in client '{client_id}'")
        return
    yield from call.org.flows.results(
        arguments["client_id"], arguments["flow_id"], arguments["artifact"], arguments["source"]
    )


@plugin(
    "source",
    {
        "client_id": optional("string"),
        "flow_id": optional("string"),
        "hunt_id": optional("string"),
        "artifact": optional("string", ""),
        "source": optional("string", ""),
        "notebook_id": optional("string"),
        "notebook_cell_id": optional("string"),
        "notebook_cell_table": optional("int", 1),
        "start_time": optional("time"),
        "start_row": optional("int", 0),
        "count": optional("int", 0),
    },
    permission="READ_RESULTS",
    needs_server=True,
)
def source(call: Call, arguments: Arguments) -> Rows:
    """The stored rows of a flow, a hunt or a notebook cell."""
    last = arguments["start_row"] + arguments["count"] if arguments["count"] > 0 else None
    for position, row in enumerate(_source_rows(call, arguments)):
        if last is not None and position >= last:
            return
        if position >= arguments["start_row"]:
            yield row


def _source_rows(call: Call, arguments: Arguments) -> Rows:
    if arguments["notebook_id"] and arguments["notebook_cell_id"]:
        return call.org.notebooks.cell_rows(
            arguments["notebook_id"],
            arguments["notebook_cell_id"],
            arguments["notebook_cell_table"],
        )
    artifact, part = arguments["artifact"], arguments["source"]
    if arguments["hunt_id"]:
        return call.org.hunts.results(arguments["hunt_id"], artifact, part)
    if not artifact:
        raise CallError(
            "source: One of artifact, flow_id, hunt_id, notebook_id should be specified."
        )
    definition = _need_source(call, artifact)
    if definition.type == "server_event":
        since = arguments["start_time"] or 0
        return call.org.forwarding.events.read(ROWS, artifact, since)
    client_id = _given(call, arguments, "client_id", "ClientId")
    flow_id = _given(call, arguments, "flow_id", "FlowId")
    if not client_id or not flow_id:
        raise CallError(
            "source: client_id and flow_id should be specified for non event artifacts."
        )
    return call.org.flows.results(client_id, flow_id, artifact, part)


def _need_source(call: Call, name: str) -> Definition:
    """Rows may be on disk, but without their artifact none is answered (as seen)."""
    definition = call.org.artifacts.get(name.split("/", maxsplit=1)[0])
    if definition is None or ("/" in name and name not in definition.source_names()):
        raise CallError(f"Artifact {name} not known")
    return definition


def _given(call: Call, arguments: Arguments, name: str, in_scope: str) -> str:
    """An argument, else a name of the scope (as in a flow's notebook)."""
    if arguments[name]:
        return str(arguments[name])
    _, value = call.scope.find(in_scope)
    return value if isinstance(value, str) else ""
