"""Arguments of a call → Python values, by the kinds a definition asks for.

Kinds: any · string · int · float · bool · strings (a list; one string will
do) · list · dict · path · query (rows) · lazy (worked out when called) ·
lambda · time (seconds since 1970).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from server_app.vql import syntax
from server_app.vql.evaluate import evaluate
from server_app.vql.parse import VQLSyntaxError, parse_lambda
from server_app.vql.paths import OSPath
from server_app.vql.registry import Definition, Parameter
from server_app.vql.scope import Function, Scope, StoredQuery
from server_app.vql.values import Timestamp, as_text, number, truth


class ArgumentError(Exception):
    """An argument missing, unknown, or of a kind that can't be used."""


def read_arguments(
    definition: Definition, given: tuple[syntax.Argument, ...], scope: Scope
) -> dict[str, Any]:
    """Evaluates and checks the arguments of one call. Raises ArgumentError."""
    parameters = definition.parameters
    if parameters is None:
        return {item.name: value_of(item.value, scope) for item in given}
    result = {name: parameter.default for name, parameter in parameters.items()}
    seen = set()
    for item in given:
        if item.name == "**":
            extra = value_of(item.value, scope)
            for name, value in (extra if isinstance(extra, Mapping) else {}).items():
                if name in parameters:
                    result[name] = convert(parameters[name], name, value)
                    seen.add(name)
            continue
        parameter = parameters.get(item.name)
        if parameter is None:
            raise ArgumentError(f"Unexpected arg {item.name}")
        seen.add(item.name)
        if parameter.kind == "lazy":
            result[item.name] = _later(item.value, scope)
        else:
            result[item.name] = convert(parameter, item.name, value_of(item.value, scope))
    for name, parameter in parameters.items():
        if parameter.required and name not in seen:
            raise ArgumentError(f"Field {name} is required")
    return result


def value_of(argument: syntax.Expression | syntax.SubSelect | syntax.Lambda, scope: Scope) -> Any:
    if isinstance(argument, syntax.SubSelect):
        return StoredQuery(argument.query, scope)
    return evaluate(argument, scope)


def _later(argument: Any, scope: Scope) -> Callable[[], Any]:
    return lambda: value_of(argument, scope)


def convert(parameter: Parameter, name: str, value: Any) -> Any:
    """One value as its kind; NULL is the default where the kind has no other use for it."""
    if value is None and parameter.kind != "any":
        if parameter.kind == "path":
            raise ArgumentError(f"Field {name} Expecting a path arg type, not *types.Null")
        return parameter.default
    return _CONVERTERS[parameter.kind](name, value)


def _string(name: str, value: Any) -> str:
    if isinstance(value, str | OSPath | bytes | int | float | Timestamp):
        return as_text(value)
    raise ArgumentError(f"Field {name} should be a string not a {type_name(value)}")


def _number(name: str, value: Any) -> int | float:
    result = number(value)
    if result is None and isinstance(value, str):
        try:
            return int(value, 0)
        except ValueError:
            result = None
    if result is None:
        raise ArgumentError(f"Field {name} should be an int not a {type_name(value)}")
    return result


def _whole(name: str, value: Any) -> int:
    return int(_number(name, value))


def _strings(name: str, value: Any) -> list[str]:
    return [_string(name, item) for item in _list(name, value) if item is not None]


def _list(_name: str, value: Any) -> list[Any]:
    if isinstance(value, StoredQuery):
        return [one_value(row) for row in value.rows()]
    return value if isinstance(value, list) else [value]


def _dict(name: str, value: Any) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, StoredQuery):
        merged: dict[str, Any] = {}
        for row in value.rows():
            merged.update(row)
        return merged
    raise ArgumentError(f"Field {name} should be a dict not a {type_name(value)}")


def _path(name: str, value: Any) -> OSPath | str:
    """A path value as it is; text is read later, by the accessor that opens it."""
    if isinstance(value, OSPath | str):
        return value
    if isinstance(value, list) and value and isinstance(value[0], OSPath | str):
        first: OSPath | str = value[0]
        return first
    raise ArgumentError(f"Field {name} Expecting a path arg type, not {type_name(value)}")


def _time(name: str, value: Any) -> float:
    from server_app.vql.builtin.moments import moment

    result = moment(value)
    if result is None:
        raise ArgumentError(f"Field {name} should be a time not a {type_name(value)}")
    return result.seconds


def _lambda(name: str, value: Any) -> Any:
    if isinstance(value, Function):
        return value
    if isinstance(value, str):
        try:
            return parse_lambda(value)
        except VQLSyntaxError as error:
            raise ArgumentError(f"Field {name}: {error}") from error
    raise ArgumentError(f"Field {name} should be a lambda not a {type_name(value)}")


def _same(_name: str, value: Any) -> Any:
    return value


def _flag(_name: str, value: Any) -> bool:
    return truth(value)


_CONVERTERS: dict[str, Callable[[str, Any], Any]] = {
    "any": _same,
    "query": _same,
    "string": _string,
    "int": _whole,
    "float": _number,
    "bool": _flag,
    "strings": _strings,
    "list": _list,
    "dict": _dict,
    "path": _path,
    "time": _time,
    "lambda": _lambda,
}


def one_value(row: Mapping[str, Any]) -> Any:
    """A row of one column is that column's value."""
    return next(iter(row.values())) if len(row) == 1 else row


def rows_of(value: Any, scope: Scope | None = None) -> Iterator[Mapping[str, Any]]:
    """Anything as rows: a query's, a list's items, a dict as one row, a value as `_value`."""
    if value is None:
        return
    if isinstance(value, StoredQuery):
        yield from value.rows(scope)
    elif isinstance(value, list):
        for item in value:
            yield item if isinstance(item, Mapping) else {"_value": item}
    else:
        yield value if isinstance(value, Mapping) else {"_value": value}


_TYPE_NAMES = {
    str: "string", bool: "bool", int: "int64", float: "float64", dict: "*ordereddict.Dict",
    list: "[]interface {}", OSPath: "*accessors.OSPath", Timestamp: "time.Time",
    StoredQuery: "*vfilter.StoredQuery", Function: "*types.Lambda", bytes: "[]uint8",
}  # fmt: skip


def type_name(value: Any) -> str:
    """The name a type has in messages and for `typeof()`."""
    if value is None:
        return "*types.Null"
    return _TYPE_NAMES.get(type(value), "*ordereddict.Dict")
