"""ORDER BY, as a real server sorts: by the language's own `<`, in place, a row at a time."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from server_app.vql.values import less

Row = Mapping[str, Any]
SHORT = 12
"""Up to so many rows are sorted by insertion, where every comparison's order shows."""


def ordered(
    rows: Iterator[Row], name: str, descending: bool, log: Callable[[str], None]
) -> Iterator[Row]:
    """The rows by a column; one that lacks it stays where it is, with a log line."""
    items = list(rows)

    def before(left: Row, right: Row) -> bool:
        if name not in left or name not in right:
            return False
        first, second = _value(left, name), _value(right, name)
        return not less(first, second) if descending else less(first, second)

    if len(items) <= SHORT:
        for at in range(1, len(items)):
            while at and before(items[at], items[at - 1]):
                items[at - 1], items[at] = items[at], items[at - 1]
                at -= 1  # noqa: PLW2901 - the row that is being inserted
    else:
        present = [row for row in items if name in row]

        def compared(left: Row, right: Row) -> int:
            first, second = _value(left, name), _value(right, name)
            return less(second, first) - less(first, second)

        present.sort(key=functools.cmp_to_key(compared), reverse=descending)
        items = present + [row for row in items if name not in row]
    for row in items:
        if name not in row:
            log(f"Order by column {name} not present in row")
        yield row


def _value(row: Row, name: str) -> Any:
    """NULL sorts as an empty text."""
    value = row[name]
    return "" if value is None else value
