"""format(): Go's verbs as far as queries use them, with Go's remarks about what doesn't fit."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from server_app.vql.arguments import type_name
from server_app.vql.text import as_text

_VERB = re.compile(r"%([-+# 0]*)(\d*)(\.\d+)?([a-zA-Z%])")


def format_text(template: str, values: list[Any]) -> str:
    """A template with its values; too few, too many and unfit ones are remarked on in the text."""
    rest = iter(values)
    text = _VERB.sub(lambda match: _filled(match, rest), template)
    extra = ", ".join(f"{type_name(value)}={as_text(value)}" for value in rest)
    return f"{text}%!(EXTRA {extra})" if extra else text


def _filled(match: re.Match[str], rest: Iterator[Any]) -> str:
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


def _only(kind: type | tuple[type, ...], convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A converter that takes values of one kind only."""

    def checked(value: Any) -> Any:
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise TypeError
        return convert(value)

    return checked


def _text(value: Any) -> str:
    if isinstance(value, int | float):
        raise TypeError
    if isinstance(value, list):
        return f"[{' '.join(_text(item) for item in value)}]"
    return as_text(value)


def _quoted(value: Any) -> str:
    return json.dumps(_text(value), ensure_ascii=False)


_VERBS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "v": ("s", as_text),
    "s": ("s", _text),
    "t": ("s", _only(bool, as_text)),
    "T": ("s", type_name),
    "q": ("s", _quoted),
    "b": ("s", _only(int, "{:b}".format)),
    "c": ("s", _only(int, chr)),
    "d": ("d", _only(int, int)),
    "x": ("x", _only(int, int)),
    "X": ("X", _only(int, int)),
    "o": ("o", _only(int, int)),
    "f": ("f", _only(float, float)),
    "e": ("e", _only(float, float)),
    "g": ("g", _only(float, float)),
}
