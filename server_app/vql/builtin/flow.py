"""Where rows come from and which way they go: scope, foreach, if, range, chain, log."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from server_app.vql.arguments import one_value, rows_of
from server_app.vql.registry import Call, function, optional, plugin, required
from server_app.vql.values import index, truth

Arguments = dict[str, Any]


@plugin("scope", {})
def scope(_call: Call, _arguments: Arguments) -> Iterator[dict[str, Any]]:
    """Gives one row without columns, so that the SELECT is worked out once."""
    yield {}


@plugin(
    "foreach",
    {
        "row": required("query"),
        "query": optional("query"),
        "column": optional("string"),
        "workers": optional("int", 0),
        "async": optional("bool", False),
    },
)
def foreach(call: Call, arguments: Arguments) -> Iterator[Any]:
    """The rows of `query` for each row of `row`, whose columns it sees as names."""
    for row in rows_of(arguments["row"], call.scope):
        call.run.check()
        if arguments["query"] is None:
            yield row
            continue
        inner = call.scope.child(row)
        for made in rows_of(arguments["query"], inner):
            column = arguments["column"]
            if column:
                value = made.get(column)
                yield value if isinstance(value, dict) else {column: value}
            else:
                yield made


_BRANCHES = {"condition": required("any"), "then": optional("lazy"), "else": optional("lazy")}


@plugin("if", _BRANCHES)
def if_rows(call: Call, arguments: Arguments) -> Iterator[Any]:
    """The rows of `then` or of `else`; the other is never worked out."""
    yield from rows_of(_branch(arguments), call.scope)


@function("if", _BRANCHES)
def if_value(_call: Call, arguments: Arguments) -> Any:
    """The value of `then` or of `else`; the other is never worked out."""
    return _branch(arguments)


def _branch(arguments: Arguments) -> Any:
    chosen = arguments["then" if truth(arguments["condition"]) else "else"]
    return None if chosen is None else chosen()


@plugin(
    "range",
    {"start": optional("int", 0), "end": required("int"), "step": optional("int", 1)},
)
def range_rows(_call: Call, arguments: Arguments) -> Iterator[dict[str, Any]]:
    """Whole numbers from `start` up to but without `end`, as `_value` (transcript: range)."""
    if arguments["step"] > 0:
        for number in range(arguments["start"], arguments["end"], arguments["step"]):
            yield {"_value": number}


@plugin("chain")
def chain(call: Call, arguments: Arguments) -> Iterator[Any]:
    """The rows of each query given, one after the other, in the order of their names."""
    for name in sorted(name for name in arguments if name != "async"):
        yield from rows_of(arguments[name], call.scope)


@function(
    "log",
    {
        "message": required("string"),
        "args": optional("list"),
        "level": optional("string", "DEFAULT"),
        "dedup": optional("int", 60),
    },
)
def log(call: Call, arguments: Arguments) -> bool:
    """A line in the query's log."""
    from server_app.vql.builtin.data import format_text

    text = arguments["message"]
    if arguments["args"] is not None:
        text = format_text(text, arguments["args"])
    level = arguments["level"].upper()
    call.log(text if level == "DEFAULT" else f"{level}:{text}")
    return True


@function("array")
def array(_call: Call, arguments: Arguments) -> list[Any]:
    """A list of the arguments' values; of a query's rows, flattened."""
    items: list[Any] = []
    for value in arguments.values():
        if hasattr(value, "rows"):
            items.extend(one_value(row) for row in value.rows())
        elif isinstance(value, list):
            items.extend(value)
        else:
            items.append(value)
    return items


@function(
    "get",
    {
        "item": optional("any"),
        "member": optional("string"),
        "field": optional("any"),
        "default": optional("any"),
    },
)
def get(call: Call, arguments: Arguments) -> Any:
    """A member by a name worked out at run time (`a.b` steps down), or the default."""
    names = arguments["member"].split(".") if arguments["member"] else [arguments["field"]]
    value = arguments["item"]
    if value is None:
        _, value = call.scope.find(names.pop(0))
    for name in names:
        value = index(value, int(name) if isinstance(name, str) and name.isdigit() else name)
    return arguments["default"] if value is None else value
