"""Values made of values: dict, JSON, text."""

from __future__ import annotations

import json
import re
from typing import Any

from server_app.vql.arguments import type_name
from server_app.vql.call import CallError
from server_app.vql.registry import Call, function, optional, required
from server_app.vql.values import as_text, dump, number

Arguments = dict[str, Any]


@function("dict")
def make_dict(_call: Call, arguments: Arguments) -> dict[str, Any]:
    """A dict of the arguments; a query among them becomes its rows."""
    return {
        name: list(value.rows()) if hasattr(value, "rows") else value
        for name, value in arguments.items()
    }


@function("parse_json", {"data": required("string"), "schema": optional("any")})
def parse_json(_call: Call, arguments: Arguments) -> Any:
    """The value of a JSON text; NULL and a log line for text that is none."""
    try:
        return json.loads(arguments["data"])
    except (ValueError, RecursionError) as error:
        raise CallError(error) from error


@function("parse_json_array", {"data": required("string")})
def parse_json_array(call: Call, arguments: Arguments) -> Any:
    """The list in a JSON text."""
    value = parse_json(call, arguments)
    if not isinstance(value, list):
        raise CallError("not a JSON array")
    return value


@function("serialize", {"item": required("any"), "format": optional("string", "json")})
def serialize(_call: Call, arguments: Arguments) -> str:
    """A value as JSON."""
    value = arguments["item"]
    return dump(list(value.rows()) if hasattr(value, "rows") else value)


@function("typeof", {"a": optional("any")})
def typeof(_call: Call, arguments: Arguments) -> str:
    """The name of a value's type (transcript: an env value is a `string`)."""
    return type_name(arguments["a"])


@function("len", {"list": required("any")})
def length(_call: Call, arguments: Arguments) -> int:
    """How many items, characters or rows."""
    value = arguments["list"]
    if hasattr(value, "rows"):
        return sum(1 for _ in value.rows())
    return len(value) if isinstance(value, str | bytes | list | dict) else 0


@function("str", {"str": required("any")})
def text(_call: Call, arguments: Arguments) -> str:
    return as_text(arguments["str"])


@function("int", {"int": required("any")})
def whole(_call: Call, arguments: Arguments) -> int:
    """A whole number from a number or a text; 0 for anything else."""
    value = number(arguments["int"])
    if value is None:
        try:
            return int(str(arguments["int"]), 0)
        except ValueError:
            return 0
    return int(value)


@function("upcase", {"string": required("string")})
def upcase(_call: Call, arguments: Arguments) -> str:
    return str(arguments["string"].upper())


@function("lowcase", {"string": required("string")})
def lowcase(_call: Call, arguments: Arguments) -> str:
    return str(arguments["string"].lower())


@function("join", {"array": required("list"), "sep": optional("string", "")})
def join(_call: Call, arguments: Arguments) -> str:
    return str(arguments["sep"].join(map(as_text, arguments["array"])))


@function(
    "split",
    {
        "string": required("string"),
        "sep": optional("string", ","),
        "sep_string": optional("string"),
    },
)
def split(_call: Call, arguments: Arguments) -> list[str]:
    """Parts between matches of a pattern, or of a plain text (`sep_string`)."""
    whole_text = arguments["string"]
    if arguments["sep_string"]:
        return list(whole_text.split(arguments["sep_string"]))
    try:
        return re.split(arguments["sep"], whole_text)
    except re.error as error:
        raise CallError(error) from error


@function("format", {"format": required("string"), "args": optional("any")})
def format_value(_call: Call, arguments: Arguments) -> str:
    """Text with `%` verbs filled in; a single value stands for a list of one."""
    value = arguments["args"]
    return format_text(arguments["format"], value if isinstance(value, list) else [value])


_VERB = re.compile(r"%([-+# 0]*)(\d*)(\.\d+)?([a-zA-Z%])")


def format_text(template: str, values: list[Any]) -> str:
    """Go's verbs as far as queries use them: v s d x X o b c q f e g t T and widths."""
    rest = iter(values)

    def fill(match: re.Match[str]) -> str:
        flags, width, precision, verb = match.groups()
        if verb == "%":
            return "%"
        try:
            value = next(rest)
        except StopIteration:
            return f"%!{verb}(MISSING)"
        try:
            kind, convert = _VERBS[verb]
            return str(f"%{flags}{width}{precision or ''}{kind}" % convert(value))
        except (KeyError, ValueError, TypeError, OverflowError):
            return f"%!{verb}({type_name(value)}={as_text(value)})"

    return _VERB.sub(fill, template)


def _integer(value: Any) -> int:
    amount = number(value)
    if amount is None:
        raise TypeError
    return int(amount)


def _real(value: Any) -> float:
    amount = number(value)
    if amount is None:
        raise TypeError
    return float(amount)


def _quoted(value: Any) -> str:
    return json.dumps(as_text(value), ensure_ascii=False)


def _binary(value: Any) -> str:
    return f"{_integer(value):b}"


def _character(value: Any) -> str:
    return chr(_integer(value))


_VERBS: dict[str, tuple[str, Any]] = {
    "v": ("s", as_text),
    "s": ("s", as_text),
    "t": ("s", as_text),
    "T": ("s", type_name),
    "q": ("s", _quoted),
    "b": ("s", _binary),
    "c": ("s", _character),
    "d": ("d", _integer),
    "x": ("x", _integer),
    "X": ("X", _integer),
    "o": ("o", _integer),
    "f": ("f", _real),
    "e": ("e", _real),
    "g": ("g", _real),
}
