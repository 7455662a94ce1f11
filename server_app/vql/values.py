"""What operators do with values: truth, comparison, arithmetic, members, JSON."""

from __future__ import annotations

import datetime as dt
import functools
import json
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from server_app.vql.paths import OSPath

UTC = dt.UTC


class Timestamp:
    """A moment, in nanoseconds since 1970, written as RFC 3339."""

    __slots__ = ("nanoseconds",)

    def __init__(self, nanoseconds: int) -> None:
        self.nanoseconds = nanoseconds

    def __str__(self) -> str:
        seconds, rest = divmod(self.nanoseconds, 10**9)
        try:
            moment = dt.datetime.fromtimestamp(seconds, UTC)
        except (ValueError, OverflowError, OSError):
            return "0001-01-01T00:00:00Z"
        fraction = f".{rest:09d}".rstrip("0") if rest else ""
        return f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}Z"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Timestamp) and other.nanoseconds == self.nanoseconds

    def __hash__(self) -> int:
        return hash(self.nanoseconds)

    @property
    def seconds(self) -> float:
        return self.nanoseconds / 10**9


def truth(value: Any) -> bool:
    """Whether a WHERE lets it through: empty things, zero and NULL don't pass."""
    rows = getattr(value, "rows", None)
    if rows is not None:
        return any(True for _ in rows())
    return isinstance(value, Timestamp) or bool(value)


def number(value: Any) -> int | float | None:
    """The number a comparison sees, None for what is none."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int | float):
        return value
    return value.seconds if isinstance(value, Timestamp) else None


def equal(left: Any, right: Any) -> bool:
    if isinstance(left, OSPath) or isinstance(right, OSPath):
        return str(left) == str(right)
    if isinstance(left, str) != isinstance(right, str):
        return False
    first, second = number(left), number(right)
    if first is not None and second is not None:
        return first == second
    return bool(left == right)


def less(left: Any, right: Any) -> bool:
    """Numbers and times among each other, strings among each other; else never."""
    first, second = number(left), number(right)
    if first is not None and second is not None:
        return first < second
    if isinstance(left, str) and isinstance(right, str):
        return left < right
    return False


def arithmetic(sign: str, left: Any, right: Any) -> Any:
    """`- * / %`; NULL for operands that are no numbers, or a division by zero."""
    first, second = number(left), number(right)
    if first is None or second is None:
        return None
    try:
        return _ARITHMETIC[sign](first, second)
    except (ZeroDivisionError, OverflowError):
        return None


def _divide(first: float, second: float) -> float:
    """A whole result of whole numbers stays whole."""
    whole = isinstance(first, int) and isinstance(second, int) and not first % second
    return first // second if whole else first / second


_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "-": operator.sub,
    "*": operator.mul,
    "/": _divide,
    "%": operator.mod,
}


def plus(left: Any, right: Any) -> Any:
    if isinstance(left, OSPath):
        return left + right
    if isinstance(left, str) and isinstance(right, str | OSPath):
        return left + str(right)
    if isinstance(left, list):
        return left + (right if isinstance(right, list) else [] if right is None else [right])
    first, second = number(left), number(right)
    if first is None or second is None:
        return None
    return first + second


def matches(left: Any, pattern: Any) -> bool:
    """`=~`: a regular expression found anywhere, case ignored; in a list, any item counts."""
    if not isinstance(pattern, str) or left is None:
        return False
    if isinstance(left, list):
        return any(matches(item, pattern) for item in left)
    expression = compile_regex(pattern)
    return expression is not None and expression.search(as_text(left)) is not None


@functools.lru_cache(maxsize=256)
def compile_regex(pattern: str) -> re.Pattern[str] | None:
    """A compiled expression, None for one that isn't valid."""
    try:
        return re.compile(pattern, re.IGNORECASE)
    except (re.error, RecursionError, OverflowError):
        return None


def contains(item: Any, container: Any) -> bool:
    """`IN`: an item of a list, a part of a string, a key of a dict."""
    if isinstance(container, str):
        return isinstance(item, str) and item in container
    if isinstance(container, Mapping):
        return item in container
    if isinstance(container, Iterable):
        return any(equal(item, other) for other in container)
    rows = getattr(container, "rows", None)
    return rows is not None and any(equal(item, next(iter(row.values()), None)) for row in rows())


def member(value: Any, name: str) -> Any:
    """`value.name`: a key, a path's property, or the member of each item of a list."""
    if isinstance(value, Mapping):
        return value.get(name)
    if isinstance(value, OSPath):
        return value.member(name)
    if isinstance(value, list):
        return [member(item, name) for item in value]
    rows = getattr(value, "rows", None)
    if rows is not None:
        return [row.get(name) for row in rows()]
    if isinstance(value, Timestamp):
        return _time_member(value, name)
    return None


def _time_member(value: Timestamp, name: str) -> Any:
    if name == "Unix":
        return value.nanoseconds // 10**9
    return value.nanoseconds if name == "UnixNano" else None


def index(value: Any, key: Any) -> Any:
    """`value[key]`: an item by position, also from the end, or a key."""
    if isinstance(value, Mapping):
        return value.get(key)
    if isinstance(value, list | str) and isinstance(key, int) and not isinstance(key, bool):
        return value[key] if -len(value) <= key < len(value) else None
    return member(value, key) if isinstance(key, str) else None


def as_text(value: Any) -> str:
    """How a value reads within a string."""
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "NULL"
    if isinstance(value, dict | list):
        return dump(value)
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


def dump(value: Any) -> str:
    """JSON on one line."""
    return json.dumps(value, default=plain, ensure_ascii=False, separators=(",", ":"))
