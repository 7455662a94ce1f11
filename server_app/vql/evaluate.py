"""The value of an expression in a scope."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from server_app.vql import syntax as s
from server_app.vql import values as v
from server_app.vql.scope import Function, Scope, StoredExpression, StoredQuery

DEEPEST = 120
"""Nested uses of LET expressions at which one that calls itself is given up as NULL."""


def evaluate(expression: Any, scope: Scope) -> Any:
    """Works out an expression; what has no value is None, with a log line where one is due."""
    return _EVALUATORS[type(expression)](expression, scope)


def _literal(node: s.Literal, _scope: Scope) -> Any:
    return node.value


def _symbol(node: s.Symbol, scope: Scope) -> Any:
    known, value = scope.find(node.name)
    if not known:
        scope.unknown("Symbol", node.name)
        return None
    if isinstance(value, StoredExpression) and value.parameters is None:
        return apply_stored(value, {}, scope)
    return value


def apply_stored(stored: StoredExpression, names: dict[str, Any], scope: Scope) -> Any:
    """A LET expression's value, seen from the scope that uses it."""
    run = scope.run
    if run.depth >= DEEPEST:
        run.log(f"ERROR:expressions nested more than {DEEPEST} deep")
        return None
    run.depth += 1
    try:
        return evaluate(stored.expression, scope.child(names) if names else scope)
    finally:
        run.depth -= 1


def _called(node: s.Called, scope: Scope) -> Any:
    from server_app.vql.call import call_function

    return call_function(node, scope)


def _member(node: s.Member, scope: Scope) -> Any:
    return v.member(evaluate(node.target, scope), node.name)


def _index(node: s.Index, scope: Scope) -> Any:
    return v.index(_rows_as_list(evaluate(node.target, scope)), evaluate(node.index, scope))


def _slice(node: s.Slice, scope: Scope) -> Any:
    target = _rows_as_list(evaluate(node.target, scope))
    start = evaluate(node.start, scope) if node.start is not None else None
    end = evaluate(node.end, scope) if node.end is not None else None
    bounds_ok = all(bound is None or isinstance(bound, int) for bound in (start, end))
    return target[start:end] if isinstance(target, list | str) and bounds_ok else None


def _rows_as_list(value: Any) -> Any:
    return list(value.rows()) if isinstance(value, StoredQuery) else value


def _prefixed(node: s.Prefixed, scope: Scope) -> Any:
    value = evaluate(node.operand, scope)
    if node.operator == "NOT":
        return not v.truth(value)
    amount = v.number(value)
    return None if amount is None else -amount if node.operator == "-" else amount


def _chain(node: s.Chain, scope: Scope) -> Any:
    result = evaluate(node.first, scope)
    for sign, operand in node.rest:
        if sign in ("AND", "&&"):
            if not v.truth(result):
                return False
            result = v.truth(evaluate(operand, scope))
        elif sign in ("OR", "||"):
            if v.truth(result):
                return result
            result = evaluate(operand, scope)
        else:
            result = _OPERATORS[sign](result, evaluate(operand, scope))
    return result


_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "=": v.equal,
    "!=": lambda left, right: not v.equal(left, right),
    "<>": lambda left, right: not v.equal(left, right),
    "<": v.less,
    ">": lambda left, right: v.less(right, left),
    "<=": lambda left, right: v.less(left, right) or v.equal(left, right),
    ">=": lambda left, right: v.less(right, left) or v.equal(left, right),
    "=~": v.matches,
    "IN": v.contains,
    "+": v.plus,
    "-": lambda left, right: v.arithmetic("-", left, right),
    "*": lambda left, right: v.arithmetic("*", left, right),
    "/": lambda left, right: v.arithmetic("/", left, right),
    "%": lambda left, right: v.arithmetic("%", left, right),
}


def _list_of(node: s.ListOf, scope: Scope) -> list[Any]:
    return [evaluate(item, scope) for item in node.items]


def _grouped(node: s.Grouped, scope: Scope) -> Any:
    return evaluate(node.operand, scope)


def _lambda(node: s.Lambda, scope: Scope) -> Function:
    return Function(node, scope)


def _subselect(node: s.SubSelect, scope: Scope) -> Any:
    """A query among the columns: one row of one column is just its value."""
    from server_app.vql.arguments import one_value
    from server_app.vql.select import select_rows

    items = [one_value(row) for row in select_rows(node.query, scope)]
    return items[0] if len(items) == 1 else items


_EVALUATORS: dict[type, Callable[[Any, Scope], Any]] = {
    s.Literal: _literal,
    s.Symbol: _symbol,
    s.Called: _called,
    s.Member: _member,
    s.Index: _index,
    s.Slice: _slice,
    s.Prefixed: _prefixed,
    s.Chain: _chain,
    s.ListOf: _list_of,
    s.Grouped: _grouped,
    s.Lambda: _lambda,
    s.SubSelect: _subselect,
}
