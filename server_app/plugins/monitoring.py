"""The tables of what clients and the server watch all the time."""

from __future__ import annotations

from typing import Any

from server_app.vql.call import CallError
from server_app.vql.registry import Call, function, optional, required

Arguments = dict[str, Any]


@function("get_client_monitoring", {}, permission="READ_RESULTS", needs_server=True)
def get_client_monitoring(call: Call, _arguments: Arguments) -> dict[str, Any]:
    return dict(call.org.monitoring.get_client())


@function("get_server_monitoring", {}, permission="READ_RESULTS", needs_server=True)
def get_server_monitoring(call: Call, _arguments: Arguments) -> dict[str, Any]:
    return dict(call.org.monitoring.get_server())


@function(
    "set_client_monitoring",
    {"value": required("any")},
    permission="COLLECT_CLIENT",
    needs_server=True,
    changes=True,
)
def set_client_monitoring(call: Call, arguments: Arguments) -> dict[str, Any]:
    return dict(call.org.monitoring.set_client(arguments["value"]))


@function(
    "set_server_monitoring",
    {"value": required("any")},
    permission="COLLECT_SERVER",
    needs_server=True,
    changes=True,
)
def set_server_monitoring(call: Call, arguments: Arguments) -> dict[str, Any]:
    return dict(call.org.monitoring.set_server(arguments["value"]))


_ADD = {"artifact": required("string"), "parameters": optional("lazy")}
_LABEL = {"label": optional("string", "")}


@function(
    "add_client_monitoring",
    {**_ADD, **_LABEL},
    permission="COLLECT_CLIENT",
    needs_server=True,
    changes=True,
)
def add_client_monitoring(call: Call, arguments: Arguments) -> dict[str, Any] | None:
    call.org.monitoring.require(arguments["artifact"], "client_event")
    parameters = _parameters(call, arguments)
    if parameters is None:
        return None
    return dict(
        call.org.monitoring.add_client(arguments["artifact"], parameters, arguments["label"])
    )


@function(
    "add_server_monitoring", _ADD, permission="COLLECT_SERVER", needs_server=True, changes=True
)
def add_server_monitoring(call: Call, arguments: Arguments) -> dict[str, Any] | None:
    call.org.monitoring.require(arguments["artifact"], "server_event")
    parameters = _parameters(call, arguments)
    if parameters is None:
        return None
    return dict(call.org.monitoring.add_server(arguments["artifact"], parameters))


@function(
    "rm_client_monitoring",
    {"artifact": required("string"), **_LABEL},
    permission="COLLECT_CLIENT",
    needs_server=True,
    changes=True,
)
def rm_client_monitoring(call: Call, arguments: Arguments) -> dict[str, Any]:
    return dict(call.org.monitoring.remove_client(arguments["artifact"], arguments["label"]))


@function(
    "rm_server_monitoring",
    {"artifact": required("string")},
    permission="COLLECT_SERVER",
    needs_server=True,
    changes=True,
)
def rm_server_monitoring(call: Call, arguments: Arguments) -> dict[str, Any]:
    return dict(call.org.monitoring.remove_server(arguments["artifact"]))


def _parameters(call: Call, arguments: Arguments) -> dict[str, Any] | None:
    """The parameters; None if they are none, which is said in the clients' name for both tables."""
    parameters = arguments["parameters"]() if arguments["parameters"] is not None else {}
    if not isinstance(parameters, dict):
        call.log("add_client_monitoring: parameters should be a dict")
        return None
    for name, value in parameters.items():
        if not isinstance(value, str):
            raise CallError(f"parameter {name} should has a string value")
    return parameters
