"""What operators do with values: truth, comparison, arithmetic, members.

As the real language does it: numbers that are not above zero are false, texts come before
numbers, whole numbers wrap at 64 bits, a division is a float, an index starts anew at the end.
"""

from __future__ import annotations

import datetime as dt
import functools
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from server_app.vql.modes import FileMode
from server_app.vql.paths import OSPath
from server_app.vql.text import as_text

UTC = dt.UTC
LONGEST_TEXT = 100_000_000


class Timestamp:
    """A moment, in nanoseconds since 1970 (None: no moment, year 1), written as RFC 3339."""

    __slots__ = ("nanoseconds",)

    def __init__(self, nanoseconds: int) -> None:
        self.nanoseconds = nanoseconds

    def __str__(self) -> str:
        moment, rest = self.moment(), self.nanoseconds % 10**9
        fraction = f".{rest:09d}".rstrip("0") if rest else ""
        return f"{moment:%Y-%m-%dT%H:%M:%S}{fraction}Z".rjust(20, "0")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Timestamp) and other.nanoseconds == self.nanoseconds

    def __hash__(self) -> int:
        return hash(self.nanoseconds)

    @property
    def seconds(self) -> float:
        return self.nanoseconds / 10**9

    def moment(self) -> dt.datetime:
        """To the second; year 1 for what the calendar doesn't have."""
        try:
            return dt.datetime.fromtimestamp(self.nanoseconds // 10**9, UTC)
        except (ValueError, OverflowError, OSError):
            return dt.datetime(1, 1, 1, tzinfo=UTC)


NO_TIME = Timestamp(-62135596800 * 10**9)
"""The start of year 1: what an empty text is as a time."""


def truth(value: Any) -> bool:
    """Whether a WHERE lets it through: empty things, NULL and numbers up to zero don't pass."""
    if isinstance(value, int | float):
        return value > 0
    if isinstance(value, Timestamp):
        return value.nanoseconds >= 10**9
    rows = getattr(value, "rows", None)
    if rows is not None:
        return any(True for _ in rows())
    return bool(value)


def number(value: Any) -> int | float | None:
    """The number a comparison sees, None for what is none."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int | float):
        return value
    return value.seconds if isinstance(value, Timestamp) else None


def plain_number(value: Any) -> int | float | None:
    """A number that can be reckoned with: no truth value, no time."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def equal(left: Any, right: Any) -> bool:  # noqa: PLR0911
    if isinstance(left, OSPath) or isinstance(right, OSPath):
        return str(left) == str(right)
    if isinstance(left, bool) and isinstance(right, str):
        return left == (right in ("Y", "y", "TRUE", "True"))
    if isinstance(left, str) != isinstance(right, str):
        return False
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(equal, left, right))
    first, second = number(left), number(right)
    if first is not None and second is not None:
        return first == second
    if isinstance(left, Mapping) or isinstance(right, Mapping):
        return False
    return bool(left == right)


def less(left: Any, right: Any) -> bool:
    """Numbers and times among each other, texts among each other; texts before numbers."""
    return _ordered(left, right, lambda first, second: first < second, texts_first=True)


def greater(left: Any, right: Any) -> bool:
    """As `less`, the other way; a text is greater than a number all the same."""
    return _ordered(left, right, lambda first, second: first > second, texts_first=True)


def _ordered(
    left: Any, right: Any, holds: Callable[[Any, Any], bool], *, texts_first: bool
) -> bool:
    if isinstance(left, OSPath):
        left = str(left)
    if isinstance(right, OSPath):
        right = str(right)
    if isinstance(left, str) and isinstance(right, str):
        return holds(left, right)
    if isinstance(left, Timestamp) or isinstance(right, Timestamp):
        left, right = _as_time(left), _as_time(right)
    first, second = number(left), number(right)
    if first is not None and second is not None:
        return holds(first, second)
    is_whole = isinstance(right, int) and not isinstance(right, bool)
    return texts_first and is_whole and isinstance(left, str | list | Mapping)


def _as_time(value: Any) -> Any:
    """A text next to a time is read as one."""
    from server_app.vql.builtin.moments import moment

    return moment(value) if isinstance(value, str) else value


def _wrapped(value: float) -> float:
    """Whole numbers have 64 bits."""
    if isinstance(value, int) and not -(1 << 63) <= value < (1 << 63):
        return (value + (1 << 63)) % (1 << 64) - (1 << 63)
    return value


def plus(left: Any, right: Any) -> Any:  # noqa: PLR0911
    if isinstance(left, OSPath):
        return left + right
    if isinstance(left, str) and isinstance(right, str | OSPath):
        return left + str(right)
    if left is None:
        return None
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return {**left, **right}
    first, second = plain_number(left), plain_number(right)
    if first is not None and second is not None:
        return _wrapped(first + second)
    if isinstance(left, list) or isinstance(right, list):
        return [*_listed(left), *_listed(right)]
    return None


def _listed(value: Any) -> list[Any]:
    rows = getattr(value, "rows", None)
    if rows is not None:
        return list(rows())
    return value if isinstance(value, list) else [value]


def minus(left: Any, right: Any) -> Any:
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return {key: value for key, value in left.items() if key not in right}
    return _reckoned(left, right, lambda first, second: first - second)


def times(left: Any, right: Any) -> Any:
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return {key: value for key, value in left.items() if key in right}
    if isinstance(left, str) and isinstance(right, int | float):
        return left * int(right) if len(left) * right <= LONGEST_TEXT else None
    return _reckoned(left, right, lambda first, second: first * second)


def divided(left: Any, right: Any) -> Any:
    """Always a float; NULL by zero."""
    return _reckoned(left, right, lambda first, second: float(first) / second)


def _reckoned(left: Any, right: Any, how: Callable[[float, float], float]) -> Any:
    if isinstance(left, Timestamp) or isinstance(right, Timestamp):
        return None
    first, second = number(left), number(right)
    if first is None or second is None:
        return None
    try:
        return _wrapped(how(first, second))
    except (ZeroDivisionError, OverflowError):
        return None


def matches(left: Any, pattern: Any, log: Callable[[str], None] = lambda _line: None) -> bool:
    """`=~`: a regular expression found anywhere, case ignored; in a list, any item counts.

    Expressions that mean "anything" let everything pass, NULL too.
    """
    if not isinstance(pattern, str):
        return False
    if pattern in (".", ".*", ""):
        return True
    if isinstance(left, list):
        return any(matches(item, pattern) for item in left)
    if left is None or isinstance(left, bool):
        return False
    expression = compile_regex(pattern)
    if expression is None:
        log(f"Compile regexp: error parsing regexp: {regex_fault(pattern)}")
        return False
    return expression.search(as_text(left)) is not None


@functools.lru_cache(maxsize=256)
def compile_regex(pattern: str) -> re.Pattern[str] | None:
    """A compiled expression, None for one that isn't valid."""
    try:
        return re.compile(pattern, re.IGNORECASE)
    except (re.error, RecursionError, OverflowError):
        return None


def regex_fault(pattern: str) -> str:
    """What is wrong with an expression, in the words of a real server's messages."""
    try:
        re.compile(pattern)
    except re.error as error:
        at = pattern[error.pos or 0 :]
        for ours, theirs in _FAULTS:
            if ours in error.msg:
                return theirs.format(at=at, all=pattern)
    return f"invalid escape sequence: `{pattern}`"


_FAULTS = (
    ("unterminated character set", "missing closing ]: `{at}`"),
    ("unterminated subpattern", "missing closing ): `{all}`"),
    ("unbalanced parenthesis", "unexpected ): `{all}`"),
    ("nothing to repeat", "missing argument to repetition operator: `{at[0]}`"),
    ("multiple repeat", "invalid nested repetition operator: `{at}`"),
)


def contains(item: Any, container: Any) -> bool:
    """`IN`: an item of a list, a part of a string, a key of a dict."""
    if isinstance(container, str):
        return isinstance(item, str) and item in container
    if isinstance(container, Mapping):
        return isinstance(item, str) and item in container
    if isinstance(container, Iterable):
        return any(equal(item, other) for other in container)
    rows = getattr(container, "rows", None)
    return rows is not None and any(equal(item, next(iter(row.values()), None)) for row in rows())


def member(value: Any, name: str) -> Any:
    """`value.name`: a key, a path's property, or the member of each item of a list that has it."""
    if isinstance(value, Mapping):
        return value.get(name)
    if isinstance(value, OSPath | FileMode):
        return value.member(name)
    if isinstance(value, list):
        found = [(_has(item, name), item) for item in value]
        return [member(item, name) for has, item in found if has]
    rows = getattr(value, "rows", None)
    if rows is not None:
        return [row.get(name) for row in rows()]
    if isinstance(value, Timestamp):
        return _time_member(value, name)
    return None


def _has(value: Any, name: str) -> bool:
    return name in value if isinstance(value, Mapping) else member(value, name) is not None


def _time_member(value: Timestamp, name: str) -> Any:
    if name == "String":
        return f"{value.moment():%Y-%m-%dT%H:%M:%SZ}"
    if name in _SCALES:
        return value.nanoseconds // _SCALES[name]
    if name == "Nanosecond":
        return value.nanoseconds % 10**9
    if name in ("Year", "Month", "Day", "Hour", "Minute", "Second"):
        return getattr(value.moment(), name.lower())
    return None


_SCALES = {"Unix": 10**9, "UnixMilli": 10**6, "UnixMicro": 10**3, "UnixNano": 1}


def index(value: Any, key: Any) -> Any:
    """`value[key]`: an item by position (counted on from the start after the end), or a key."""
    if isinstance(value, Mapping):
        return value.get(key)
    if isinstance(value, int | float) or isinstance(key, bool):
        return None
    if isinstance(value, OSPath):
        value = [] if value.base or not isinstance(key, int) else list(value.parts)
        return value[key] if value and -len(value) <= key < len(value) else None
    if isinstance(key, int) and isinstance(value, list):
        return value[key % len(value)] if value else None
    if isinstance(key, int) and isinstance(value, str):
        data = value.encode()
        return data[key] if -len(data) <= key < len(data) else None
    return member(value, key) if isinstance(key, str) else None


def sliced(value: Any, start: int | None, end: int | None) -> Any:
    """`value[start:end]` of a list or, by bytes, a text."""
    if isinstance(value, str):
        return value.encode()[start:end].decode("utf-8", "replace")
    return value[start:end] if isinstance(value, list) else None
