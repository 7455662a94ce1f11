"""Totals over the rows of a query or of a group: count, sum, min, max, enumerate."""

from __future__ import annotations

from typing import Any

from server_app.vql.registry import Call, function, optional, required
from server_app.vql.values import less

Arguments = dict[str, Any]


def _total(call: Call, start: Any) -> list[Any]:
    """The cell in which this very call of the query keeps its total."""
    cell: list[Any] = call.scope.aggregates.setdefault(id(call.node), [start])
    return cell


@function("count", {"items": optional("any")})
def count(call: Call, _arguments: Arguments) -> int:
    """How many rows so far."""
    cell = _total(call, 0)
    cell[0] += 1
    return int(cell[0])


@function("sum", {"item": required("int")})
def total(call: Call, arguments: Arguments) -> Any:
    cell = _total(call, 0)
    cell[0] += arguments["item"]
    return cell[0]


@function("min", {"item": required("any")})
def least(call: Call, arguments: Arguments) -> Any:
    cell = _total(call, arguments["item"])
    if less(arguments["item"], cell[0]):
        cell[0] = arguments["item"]
    return cell[0]


@function("max", {"item": required("any")})
def greatest(call: Call, arguments: Arguments) -> Any:
    cell = _total(call, arguments["item"])
    if less(cell[0], arguments["item"]):
        cell[0] = arguments["item"]
    return cell[0]


@function("enumerate", {"items": required("any")})
def collected(call: Call, arguments: Arguments) -> list[Any]:
    """All values so far, as a list."""
    cell = _total(call, [])
    cell[0] = [*cell[0], arguments["items"]]
    return list(cell[0])
