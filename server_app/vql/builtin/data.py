"""Values made of values: dict, JSON, text."""

from __future__ import annotations

import json
import re
from typing import Any

from server_app.vql.arguments import type_name
from server_app.vql.builtin.faults import json_fault
from server_app.vql.builtin.verbs import format_text
from server_app.vql.call import CallError
from server_app.vql.registry import Call, function, optional, required
from server_app.vql.text import as_text
from server_app.vql.values import plain_number, regex_fault

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
    """The object in a JSON text; NULL and a log line for text that is none."""
    value = _parsed(arguments["data"], "{")
    if not isinstance(value, dict):
        raise CallError(f"Invalid JSON object: {arguments['data']}")
    return value


@function("parse_json_array", {"data": required("string")})
def parse_json_array(_call: Call, arguments: Arguments) -> Any:
    """The list in a JSON text; an empty one where there is none."""
    if not arguments["data"]:
        return []
    value = _parsed(arguments["data"], "")
    if not isinstance(value, list):
        kind = {dict: "object", str: "string", bool: "bool"}.get(type(value), "number")
        raise CallError(f"json: cannot unmarshal {kind} into Go value of type []json.RawMessage")
    return value


def _parsed(text: str, start: str) -> Any:
    if not text.lstrip().startswith(start) or (start and not text.strip()):
        raise CallError(f"Invalid JSON object: {text}")
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise CallError(f"{json_fault(error, text)}{': ' + text if start else ''}") from error
    except (ValueError, RecursionError) as error:
        raise CallError(error) from error


@function("serialize", {"item": required("any"), "format": optional("string", "json")})
def serialize(_call: Call, arguments: Arguments) -> str | None:
    """A value as JSON, YAML or CSV."""
    from server_app.vql.builtin.serialized import write

    value = arguments["item"]
    value = list(value.rows()) if hasattr(value, "rows") else value
    try:
        return write(value, arguments["format"] or "json")
    except LookupError:
        raise CallError(f"Unknown format {arguments['format']}") from None


@function("typeof", {"a": optional("any", ...)})
def typeof(_call: Call, arguments: Arguments) -> str | None:
    """The name of a value's type (transcript: an env value is a `string`)."""
    return None if arguments["a"] is ... else type_name(arguments["a"])


@function("len", {"list": required("any")})
def length(_call: Call, arguments: Arguments) -> int:
    """How many items or bytes; a query that hasn't run has none."""
    value = arguments["list"]
    if isinstance(value, str):
        return len(value.encode())
    return len(value) if isinstance(value, bytes | list | dict) else 0


@function("str", {"str": required("any")}, failed=False)
def text(_call: Call, arguments: Arguments) -> str:
    return as_text(arguments["str"])


@function("int", {"int": optional("any")})
def whole(_call: Call, arguments: Arguments) -> int:
    """A whole number from a number or a text; 0 for anything else, a truth value too."""
    value = arguments["int"]
    if isinstance(value, str):
        try:
            found = int(_OCTAL.sub(r"\1o\2", value), 0) if value == value.strip() else 0
        except ValueError:
            return 0
        return max(-(1 << 63), min(found, (1 << 63) - 1))
    return int(plain_number(value) or 0)


_OCTAL = re.compile(r"^([+-]?0)([0-7_]+)$")


@function("atoi", {"string": required("any")})
def text_to_whole(_call: Call, arguments: Arguments) -> int:
    """As int(), but a truth value is a number."""
    value = arguments["string"]
    return int(value) if isinstance(value, bool) else int(whole(_call, {"int": value}))


@function("upcase", {"string": required("string")})
def upcase(_call: Call, arguments: Arguments) -> str:
    return "".join(_one_for_one(char, char.upper()) for char in arguments["string"])


@function("lowcase", {"string": required("string")})
def lowcase(_call: Call, arguments: Arguments) -> str:
    return "".join(_one_for_one(char, char.lower()) for char in arguments["string"])


def _one_for_one(char: str, other: str) -> str:
    """A letter becomes one: what has none of the other case stays (ß), or loses its dot (İ)."""
    return other if len(other) == 1 else "i" if char == "\u0130" else char


@function("join", {"array": required("strings"), "sep": optional("string", "")}, failed=False)
def join(_call: Call, arguments: Arguments) -> str:
    return str(arguments["sep"].join(arguments["array"]))


@function(
    "split",
    {
        "string": required("string"),
        "sep": optional("string"),
        "sep_string": optional("string"),
    },
)
def split(_call: Call, arguments: Arguments) -> list[str]:
    """Parts between matches of a pattern, or of a plain text (`sep_string`)."""
    whole_text = arguments["string"]
    if not arguments["sep"] and not arguments["sep_string"]:
        raise CallError("requires either sep or sep_string")
    if not arguments["sep"]:
        return list(whole_text.split(arguments["sep_string"]))
    try:
        return re.split(arguments["sep"], whole_text)
    except re.error as error:
        raise CallError(f"error parsing regexp: {regex_fault(arguments['sep'])}") from error


@function("format", {"format": required("string"), "args": optional("any", ...)}, failed=False)
def format_value(_call: Call, arguments: Arguments) -> str:
    """Text with `%` verbs filled in; a single value stands for a list of one."""
    value = arguments["args"]
    given = [] if value is ... else value if isinstance(value, list) else [value]
    return format_text(arguments["format"], given)
