"""Calling functions and plugins: find, check, convert, run; failures become log lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from server_app.vql import registry, syntax
from server_app.vql.arguments import ArgumentError, read_arguments, rows_of, value_of
from server_app.vql.evaluate import apply_stored, resolve
from server_app.vql.scope import Scope, StoredExpression, StoredQuery


class CallError(Exception):
    """Why a function or plugin could not do it; becomes its log line."""


def call_function(node: syntax.Called, scope: Scope) -> Any:
    """The value of `name(…)`: a LET with parameters, or a registered function."""
    name = node.symbol.names[0]
    known, value = scope.find(name)
    if len(node.symbol.names) > 1:
        known, value = True, resolve(node.symbol, scope)
        if value is None:
            return None
    if isinstance(value, StoredExpression | StoredQuery):
        return _call_value(value, _named(node.arguments, scope), scope)
    definition = registry.FUNCTIONS.get(name)
    if definition is None:
        if value is not None:
            text = node.symbol.text
            scope.run.log(f"ERROR:Symbol {text} is not a function but it is being called.")
        elif not known:
            scope.unknown("Symbol", name)
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
        return definition.failed


def _call_value(value: StoredExpression | StoredQuery, names: dict[str, Any], scope: Scope) -> Any:
    _add_defaults(value, names, scope)
    if isinstance(value, StoredExpression):
        return apply_stored(value, names, scope.counting_anew())
    return StoredQuery(value.query, scope.child(names))


def _add_defaults(
    value: StoredExpression | StoredQuery, names: dict[str, Any], scope: Scope
) -> None:
    """Parameters that weren't given and have a default get it."""
    for name, default in value.parameters or ():
        if name not in names and default is not None:
            names[name] = value_of(default.value, scope)


def _nothing(_call: registry.Call, _arguments: dict[str, Any]) -> None:
    """What changes something does in a row that a LIMIT has cancelled."""


def call_plugin(source: syntax.Source, scope: Scope) -> Iterator[Mapping[str, Any]]:
    """The rows of what follows FROM."""
    definition = registry.PLUGINS.get(source.name) if source.arguments is not None else None
    known, value = scope.find(source.name)
    if known and definition is None:
        names = _named(source.arguments or (), scope)
        if isinstance(value, StoredExpression | StoredQuery):
            _check_arguments(source, value, names, scope)
            _add_defaults(value, names, scope)
        elif source.arguments is not None:
            scope.run.log(f"ERROR:Symbol {source.name} is not callable as a plugin")
            return
        if isinstance(value, StoredExpression):
            value = apply_stored(value, names, scope)
        yield from rows_of(value, scope.child(names) if source.arguments is not None else scope)
        return
    if definition is None or source.arguments is None:
        scope.unknown("Plugin", source.name)
        hint = ""
        if scope.is_function(source.name):
            hint = (
                f'There is a VQL function called "{source.name}" '
                "- did you mean to call this function instead?"
            )
        scope.run.log(f"ERROR:Plugin {source.name} not found. {hint}")
        return
    call = registry.Call(scope, definition, source)
    try:
        check(call)
        arguments = read_arguments(definition, source.arguments, scope)
        yield from definition.body(call, arguments)
    except failures() as error:
        call.fail(reason(error))


def _check_arguments(
    source: syntax.Source,
    value: StoredExpression | StoredQuery,
    names: dict[str, Any],
    scope: Scope,
) -> None:
    """A query's parameters that are missing or unknown are only log lines."""
    if not isinstance(value, StoredQuery) or not value.parameters or source.arguments is None:
        return
    wanted = dict(value.parameters)
    for name in names:
        if name not in wanted:
            scope.run.log(f"ERROR:Extra unrecognized arg {name} when calling {source.name}")
    for name, default in wanted.items():
        if name not in names and default is None:
            scope.run.log(f"ERROR:Missing arg {name} when calling {source.name}")


def _named(arguments: tuple[syntax.Argument, ...], scope: Scope) -> dict[str, Any]:
    return {item.name: value_of(item.value, scope) for item in arguments}


def check(call: registry.Call) -> None:
    """Permission first, then whether there is a running server, as the real order is."""
    from server_app.services.errors import denied

    definition = call.definition
    if definition.permission and not call.run.allows(definition.permission):
        raise CallError(denied(definition.permission))
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
