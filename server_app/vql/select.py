"""The rows of a SELECT: from the source through columns, WHERE, GROUP BY, ORDER BY, LIMIT."""

from __future__ import annotations

from collections.abc import Iterator, KeysView, Mapping
from typing import Any

from server_app.vql import syntax as s
from server_app.vql import values as v
from server_app.vql.call import call_plugin
from server_app.vql.evaluate import evaluate
from server_app.vql.order import ordered
from server_app.vql.scope import Scope, StoredQuery
from server_app.vql.text import as_text

Row = Mapping[str, Any]


class LazyRow:
    """The row a SELECT makes of a source's row: a column is worked out when first asked for."""

    __slots__ = ("_columns", "_done", "_scope")
    answers_all = True

    def __init__(self, columns: tuple[s.Column, ...], row: Row, scope: Scope) -> None:
        self._scope = scope
        self._done: dict[str, Any] = {}
        self._columns: dict[str, Any] = {}
        for column in columns:
            if column.expression is not None:
                self._columns[column.name] = column.expression
                self._done.pop(column.name, None)
                continue
            for name in row:
                if name not in self._columns:
                    self._columns[name] = None
                    self._done[name] = row[name]

    def __contains__(self, name: object) -> bool:
        return name in self._columns

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def keys(self) -> KeysView[str]:
        return self._columns.keys()

    def __getitem__(self, name: str) -> Any:
        if name not in self._done:
            self._done[name] = _settled(evaluate(self._columns[name], self._scope))
        return self._done[name]

    def finished(self) -> dict[str, Any]:
        return {name: self[name] for name in self._columns}


def _settled(value: Any) -> Any:
    """A query that ends up in a column is run."""
    return list(value.rows()) if isinstance(value, StoredQuery) else value


def select_rows(select: s.Select, scope: Scope) -> Iterator[Row]:
    """Runs a query; rows are made as they are taken."""
    rows = _grouped(select, scope) if select.group_by is not None else _plain(select, scope)
    if select.order_by is not None:
        rows = ordered(rows, select.order_by, select.descending, scope.run.log)
    return rows if select.limit is None else _limited(rows, select.limit, scope)


def _plain(select: s.Select, scope: Scope) -> Iterator[Row]:
    scope = scope.counting_anew()
    for row, where in _candidates(select, scope):
        if where is None or v.truth(evaluate(select.where, where)):
            yield row if isinstance(row, dict) else row.finished()


def _candidates(select: s.Select, scope: Scope) -> Iterator[tuple[Any, Scope | None]]:
    """Each source row transformed, with the scope in which WHERE sees both forms."""
    everything = len(select.columns) == 1 and select.columns[0].expression is None
    for row in call_plugin(select.source, scope):
        scope.run.check()
        if everything:
            made = LazyRow(select.columns, row, scope)
            yield dict(row), None if select.where is None else scope.child(row).child(made)
            continue
        inner = scope.child(row)
        made = LazyRow(select.columns, row, inner)
        yield made, None if select.where is None else inner.child(made)


def _grouped(select: s.Select, scope: Scope) -> Iterator[Row]:
    """One row a group, the last one seen, with the group's own totals."""
    groups: dict[str, tuple[dict[int, Any], dict[str, Any]]] = {}
    for row in call_plugin(select.source, scope):
        scope.run.check()
        outer = scope.child(row, {})
        seen = outer.child(LazyRow(select.columns, row, outer))
        if select.where is not None and not v.truth(evaluate(select.where, seen)):
            continue
        key = as_text(evaluate(select.group_by, seen))
        totals = groups[key][0] if key in groups else {}
        inner = scope.child(row, totals)
        groups[key] = (totals, LazyRow(select.columns, row, inner).finished())
    for _, made in groups.values():
        yield made


def _limited(rows: Iterator[Row], limit: int, scope: Scope) -> Iterator[Row]:
    """At most `limit` rows, at least one.

    The row after the last is begun and then cancelled (facts: `LIMIT n` starts
    row n+1): what changes something doesn't run in it, but copy() has already
    emptied its destination.
    """
    for position, row in enumerate(rows, 1):
        yield row
        if position >= limit:
            break
    run = scope.run
    before, run.cancelled = run.cancelled, True
    try:
        next(iter(rows), None)
    finally:
        run.cancelled = before
