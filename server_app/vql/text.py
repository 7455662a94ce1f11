"""Values as text: JSON, and the way they read within a string (Go's `%v`)."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

_NEEDS_CARE = re.compile(r"\d\.0\b|\d[eE][+-]?\d|Infinity|NaN")
_LONGEST_WITHOUT_EXPONENT, _SMALLEST_WITHOUT_EXPONENT = 21, -4


def go_float(value: float) -> str:
    """A float in its shortest form; whole ones have no point."""
    if not math.isfinite(value):
        return {math.inf: "+Inf", -math.inf: "-Inf"}.get(value, "NaN")
    exponent = math.floor(math.log10(abs(value))) if value else 0
    if _SMALLEST_WITHOUT_EXPONENT <= exponent < _LONGEST_WITHOUT_EXPONENT:
        return str(_whole(value)) if value == int(value) else _without_exponent(value)
    text = repr(value)
    return text if "e" in text else f"{value:e}"


def _whole(value: float) -> int:
    """A whole float as the shortest digits that mean it, filled up with zeros."""
    import decimal

    return int(decimal.Decimal(repr(value)))


def _without_exponent(value: float) -> str:
    import decimal

    text = repr(value)
    return text if "e" not in text else format(decimal.Decimal(text), "f")


def as_text(value: Any) -> str:  # noqa: PLR0911
    """How a value reads within a string."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return go_float(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if value is None:
        return "Null"
    if isinstance(value, Mapping):
        return dump(value)
    if isinstance(value, list):
        return f"[{' '.join(map(as_text, value))}]"
    return str(value)


def plain(value: Any) -> Any:
    """For the JSON encoder: what it can't write itself (paths, times, stored queries, bytes)."""
    rows = getattr(value, "rows", None)
    if rows is not None:
        return list(rows())
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, tuple | set | frozenset):
        return list(value)
    return as_text(value)


def dump(value: Any, indent: int | None = None) -> str:
    """JSON, on one line unless indented; whole floats have no point, what is no number is null."""
    separators = (",", ":") if indent is None else (",", ": ")

    def encoded(item: Any) -> str:
        return json.dumps(
            item, default=plain, ensure_ascii=False, separators=separators, indent=indent
        )

    text = encoded(value)
    return encoded(_whole_floats(value)) if _NEEDS_CARE.search(text) else text


def _whole_floats(value: Any) -> Any:
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        small = abs(value) < 10**_LONGEST_WITHOUT_EXPONENT
        return _whole(value) if small and value == int(value) else value
    if isinstance(value, str | int | None):
        return value
    if isinstance(value, Mapping):
        return {key: _whole_floats(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_whole_floats(item) for item in value]
    made = plain(value)
    return made if isinstance(made, str) else _whole_floats(made)
