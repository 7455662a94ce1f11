"""Where rows come from and which way they go: scope, foreach, if, range, chain, log."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from server_app.vql.arguments import rows_of
from server_app.vql.call import CallError
from server_app.vql.evaluate import evaluate
from server_app.vql.registry import Call, function, optional, plugin, required
from server_app.vql.values import index, matches, truth

Arguments = dict[str, Any]


@plugin("scope", {})
def scope(_call: Call, _arguments: Arguments) -> Iterator[dict[str, Any]]:
    """Gives one row without columns, so that the SELECT is worked out once."""
    yield {}


@plugin(
    "foreach",
    {
        "row": required("query"),
        "query": optional("query", ...),
        "column": optional("string"),
        "workers": optional("int", 0),
        "async": optional("bool", False),
    },
)
def foreach(call: Call, arguments: Arguments) -> Iterator[Any]:
    """The rows of `query` for each row of `row`, whose columns it sees as names."""
    column, query = arguments["column"], arguments["query"]
    for row in rows_of(arguments["row"], call.scope):
        call.run.check()
        seen: Any = row.get(column) if column else row
        if not isinstance(seen, Mapping):
            seen = {}
        if query is ...:
            yield seen
        else:
            yield from rows_of(query, call.scope.child(seen))


_BRANCHES = {"condition": required("any"), "then": optional("lazy"), "else": optional("lazy")}


@plugin("if", {**_BRANCHES, "then": required("lazy")})
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
    for number in range(arguments["start"], arguments["end"], arguments["step"] or 1):
        yield {"_value": number}


@plugin("chain")
def chain(call: Call, arguments: Arguments) -> Iterator[Any]:
    """The rows of each query given, one after the other."""
    for name in (name for name in arguments if name != "async"):
        yield from rows_of(arguments[name], call.scope)


LEVELS = ("DEFAULT", "ERROR", "INFO", "WARN", "DEBUG", "ALERT")


@function(
    "log",
    {
        "message": required("string"),
        "dedup": optional("int", 60),
        "args": optional("any", ...),
        "level": optional("string", "DEFAULT"),
    },
    failed=False,
)
def log(call: Call, arguments: Arguments) -> bool:
    """A line in the query's log; the same message once in a while only."""
    from server_app.vql.builtin.verbs import format_text

    message, given = arguments["message"], arguments["args"]
    if call.run.said_lately(message, arguments["dedup"] or 60):
        return True
    level = arguments["level"].upper()
    text = f"{level if level in LEVELS else 'DEFAULT'}:{message}"
    if given is not ... and given is not None:
        text = format_text(text, given if isinstance(given, list) else [given])
    call.log(text)
    return True


@function("array")
def array(_call: Call, arguments: Arguments) -> list[Any]:
    """A list of the arguments' values; that of `_` comes first, and flattened."""
    given = {name: list(v.rows()) if hasattr(v, "rows") else v for name, v in arguments.items()}
    first = given.pop("_", [])
    return [*(first if isinstance(first, list) else [first]), *given.values()]


@function(
    "filter",
    {
        "list": required("list"),
        "regex": optional("string", ""),
        "condition": optional("lambda"),
    },
)
def filtered(call: Call, arguments: Arguments) -> list[Any]:
    """The items that a lambda (`"x=>x > 1"`) lets through, or that an expression matches."""
    condition = arguments["condition"]
    if condition is None:
        return [item for item in arguments["list"] if matches(item, arguments["regex"])]
    if len(condition.parameters) != 1:
        call.log("ERROR:Incorrect number of parameters in Lambda call")
        return []
    (name,) = condition.parameters
    return [
        item
        for item in arguments["list"]
        if truth(evaluate(condition.body, call.scope.child({name: item})))
    ]


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
    value, field = arguments["item"], arguments["field"]
    if field is None and not arguments["member"]:
        raise CallError("either Field or Member should be specified.")
    names = [field] if field is not None else _steps(arguments["member"])
    if value is None:
        _, value = call.scope.find(str(names.pop(0)))
    for name in names:
        value = index(value, name)
    return arguments["default"] if value is None else value


def _steps(path: str) -> list[Any]:
    return [int(name) if name.isdigit() else name for name in path.split(".")]
