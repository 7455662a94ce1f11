"""Calling functions and plugins: find, check, convert, run; failures become log lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from server_app.vql import registry, syntax
from server_app.vql.arguments import ArgumentError, read_arguments, rows_of, value_of
from server_app.vql.evaluate import apply_stored
from server_app.vql.scope import Function, Scope, StoredExpression, StoredQuery


class CallError(Exception):
    """Why a function or plugin could not do it; becomes its log line."""


def call_function(node: syntax.Called, scope: Scope) -> Any:
    """The value of `name(…)`: a LET with parameters, a lambda, or a registered function."""
    known, value = scope.find(node.name)
    if known and isinstance(value, StoredExpression | StoredQuery | Function):
        return _call_value(value, _named(node.arguments, scope), scope)
    definition = registry.FUNCTIONS.get(node.name)
    if definition is None:
        scope.unknown("Symbol", node.name)
        return None
    body = definition.body
    if scope.run.cancelled and definition.changes:
        body = definition.on_cancel or _nothing
    call = registry.Call(scope, definition, node)
    try:
        check(call)
        return body(call, read_arguments(definition, node.arguments, scope))
    except failures() as error:
        call.fail(reason(error))
        return None


def _call_value(
    value: StoredExpression | StoredQuery | Function, names: dict[str, Any], scope: Scope
) -> Any:
    if isinstance(value, StoredExpression):
        return apply_stored(value, names, scope)
    if isinstance(value, StoredQuery):
        return StoredQuery(value.query, scope.child(names))
    return value(*names.values())


def _nothing(_call: registry.Call, _arguments: dict[str, Any]) -> None:
    """What changes something does in a row that a LIMIT has cancelled."""


def call_plugin(source: syntax.Source, scope: Scope) -> Iterator[Mapping[str, Any]]:
    """The rows of what follows FROM."""
    known, value = scope.find(source.name)
    if known and (source.arguments is None or isinstance(value, StoredQuery | StoredExpression)):
        names = _named(source.arguments or (), scope)
        if isinstance(value, StoredExpression):
            value = apply_stored(value, names, scope)
        yield from rows_of(value, scope.child(names) if names else scope)
        return
    definition = registry.PLUGINS.get(source.name)
    if definition is None or source.arguments is None:
        scope.unknown("Plugin", source.name)
        return
    call = registry.Call(scope, definition, source)
    try:
        check(call)
        arguments = read_arguments(definition, source.arguments, scope)
        yield from definition.body(call, arguments)
    except failures() as error:
        call.fail(reason(error))


def _named(arguments: tuple[syntax.Argument, ...], scope: Scope) -> dict[str, Any]:
    return {item.name: value_of(item.value, scope) for item in arguments}


def check(call: registry.Call) -> None:
    """Permission first, then whether there is a running server, as the real order is."""
    definition = call.definition
    if definition.permission and not call.run.allows(definition.permission):
        raise CallError(f"Permission denied: [{definition.permission}]")
    if definition.needs_server:
        org = call.run.org
        if org is None or not org.server.started:
            raise CallError("Command can only run on the server")


def failures() -> tuple[type[Exception], ...]:
    """What a plugin's failure looks like; everything else is a fault of this program."""
    from server_app.services.errors import ServiceError

    return (CallError, ArgumentError, ServiceError, OSError)


def reason(error: Exception) -> str:
    """An error as the log line ends."""
    if isinstance(error, OSError) and error.strerror:
        name = f" {error.filename}" if error.filename else ""
        verb = "open" if error.filename else ""
        return f"{verb}{name}: {error.strerror.lower()}" if name else error.strerror.lower()
    return str(error)
