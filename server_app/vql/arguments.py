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
from server_app.vql.modes import FileMode
from server_app.vql.parse import VQLSyntaxError, parse_lambda
from server_app.vql.paths import OSPath
from server_app.vql.registry import Definition, Parameter
from server_app.vql.scope import Scope, StoredQuery
from server_app.vql.text import as_text
from server_app.vql.values import Timestamp, truth


class ArgumentError(Exception):
    """An argument missing, unknown, or of a kind that can't be used."""


def read_arguments(
    definition: Definition, given: tuple[syntax.Argument, ...], scope: Scope
) -> dict[str, Any]:
    """Evaluates and checks the arguments of one call. Raises ArgumentError."""
    parameters = definition.parameters
    if parameters is None:
        return {item.name: value_of(item.value, scope) for item in given}
    given_names = {item.name: item for item in given}
    values = _spread(given_names.pop("**", None), scope)
    result = {name: parameter.default for name, parameter in parameters.items()}
    for name, parameter in parameters.items():
        item = given_names.get(name)
        if item is None and name not in values:
            if parameter.required:
                raise ArgumentError(f"Field {name} is required")
        elif item is None:
            result[name] = convert(parameter, name, values[name])
        elif parameter.kind == "lazy":
            result[name] = _later(item.value, scope)
        else:
            value = value_of(item.value, scope)
            if value is None and parameter.kind == "path":
                raise ArgumentError(_no_path(name, item.value))
            result[name] = convert(parameter, name, value)
    for name in (*given_names, *values):
        if name not in parameters:
            raise ArgumentError(f"Unexpected arg {name}")
    return result


def _no_path(name: str, given: object) -> str:
    """A NULL that was reckoned out is another type there than one that was named."""
    named = isinstance(given, syntax.Literal | syntax.Symbol)
    return f"Field {name} Expecting a path arg type, not {'' if named else '*'}types.Null"


def _spread(item: syntax.Argument | None, scope: Scope) -> Mapping[str, Any]:
    """What `**` stands for: a dict of further arguments."""
    value = value_of(item.value, scope) if item is not None else None
    return value if isinstance(value, Mapping) else {}


def value_of(argument: syntax.Expression | syntax.SubSelect, scope: Scope) -> Any:
    if isinstance(argument, syntax.SubSelect):
        return StoredQuery(argument.query, scope)
    return evaluate(argument, scope)


def _later(argument: Any, scope: Scope) -> Callable[[], Any]:
    return lambda: value_of(argument, scope)


_NULL_IS_A_VALUE = ("any", "string", "int", "float", "bool", "query", "strings", "list")


def convert(parameter: Parameter, name: str, value: Any) -> Any:
    """One value as its kind; NULL is the default where the kind has no other use for it, and a
    dict without anything in it.
    """
    if value is None and parameter.kind not in _NULL_IS_A_VALUE:
        if parameter.kind == "dict":
            return {}
        return parameter.default
    return _CONVERTERS[parameter.kind](name, value)


def _string(_name: str, value: Any) -> str:
    """Anything is a text; a list of one item is that item's, NULL is empty."""
    if value is None:
        return ""
    if isinstance(value, list) and len(value) == 1:
        return as_text(value[0])
    return as_text(value)


def _number(name: str, value: Any) -> int | float:
    if isinstance(value, int | float):
        return value
    raise ArgumentError(f"Field {name} should be a float not {type_name(value)}.")


def _whole(name: str, value: Any) -> int:
    if isinstance(value, int | float):
        return int(value)
    raise ArgumentError(f"Field {name} should be an int not {type_name(value)}.")


def _strings(name: str, value: Any) -> list[str]:
    """Every item as text: a NULL among them is the word, as if it had been meant, a dict of one
    text is that text and then itself once more.
    """
    found = []
    for item in _list(name, value):
        only = next(iter(item.values())) if isinstance(item, Mapping) and len(item) == 1 else None
        found += [only, as_text(item)] if isinstance(only, str) else [as_text(item)]
    return found


def _list(_name: str, value: Any) -> list[Any]:
    """A query is one item here, and its rows aren't looked at (as on a real server)."""
    return value if isinstance(value, list) else [value]


def _dict(name: str, value: Any) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, StoredQuery):
        merged: dict[str, Any] = {}
        for row in value.rows():
            merged.update(row)
        return merged
    raise ArgumentError(f"Field {name} should be a dict not {type_name(value)}.")


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


def _lambda(name: str, value: Any) -> syntax.Lambda:
    if not isinstance(value, str):
        raise ArgumentError(
            f"Field {name} Got field type {type_name(value)}: "
            'VQL lambda functions need to be a string of the form "x=>..."'
        )
    try:
        return parse_lambda(value)
    except VQLSyntaxError as error:
        raise ArgumentError(f"Field {name} {error}") from error


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
    """Anything as rows: a query's, a list's items but for NULL, a dict as one, else `_value`."""
    if value is None:
        return
    if isinstance(value, StoredQuery):
        yield from value.rows(scope)
    elif isinstance(value, list):
        for item in value:
            if item is not None:
                yield item if isinstance(item, Mapping) else {"_value": item}
    else:
        yield value if isinstance(value, Mapping) else {"_value": value}


_TYPE_NAMES = {
    str: "string", bool: "bool", int: "int64", float: "float64", dict: "*ordereddict.Dict",
    list: "[]types.Any", OSPath: "*accessors.OSPath", Timestamp: "time.Time",
    StoredQuery: "*vfilter._StoredQuery", bytes: "[]uint8", FileMode: "fs.FileMode",
}  # fmt: skip


def type_name(value: Any) -> str:
    """The name a type has in messages and for `typeof()`."""
    if value is None:
        return "types.Null"
    if isinstance(value, OSPath) and value.base:
        return "*path_specs.FSPathSpec"
    return _TYPE_NAMES.get(type(value), "*ordereddict.Dict")
