"""regex_replace(): Go's templates of what is put in a match's place."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from server_app.vql.registry import Call, function, optional, required
from server_app.vql.values import compile_regex

_REFERENCE = re.compile(r"\$(?:(\$)|\{(\w+)\}|(\w+))")


@function(
    "regex_replace",
    {"source": required("string"), "replace": optional("string", ""), "re": required("string")},
)
def regex_replace(call: Call, arguments: dict[str, Any]) -> str | None:
    """Every match replaced, case ignored; `$1`, `${name}` are its parts, `$$` is a dollar."""
    expression = compile_regex(arguments["re"])
    if expression is None:
        call.log(f"Unable to compile regex {arguments['re']}")
        return None
    template: str = arguments["replace"]

    def put(match: re.Match[str]) -> str:
        def part(reference: re.Match[str]) -> str:
            dollar, braced, bare = reference.groups()
            return "$" if dollar else _group(match, braced or bare)

        return _REFERENCE.sub(part, template)

    return _substituted(expression, put, arguments["source"])


def _substituted(
    expression: re.Pattern[str], put: Callable[[re.Match[str]], str], source: str
) -> str:
    """As sub(), but right after a match an empty one doesn't count."""
    made: list[str] = []
    end = 0
    for match in expression.finditer(source):
        if match.end() == match.start() == end and made:
            continue
        made += [source[end : match.start()], put(match)]
        end = match.end()
    return "".join([*made, source[end:]])


def _group(match: re.Match[str], name: str) -> str:
    """A part by number or name; one that there isn't is empty."""
    try:
        return match[int(name) if name.isdecimal() else name] or ""
    except IndexError:
        return ""
