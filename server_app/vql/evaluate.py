"""The value of an expression in a scope."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from server_app.vql import syntax as s
from server_app.vql import values as v
from server_app.vql.scope import Scope, StoredExpression, StoredQuery

DEEPEST = 120
"""Nested uses of LET expressions at which one that calls itself is given up as NULL."""


def evaluate(expression: Any, scope: Scope) -> Any:
    """Works out an expression; what has no value is None, with a log line where one is due."""
    return _EVALUATORS[type(expression)](expression, scope)


def _literal(node: s.Literal, scope: Scope) -> Any:
    if node.text == "FALSE" and node.value is None:
        scope.run.log("ERROR:Unable to parse a number.")
    return node.value


def _symbol(node: s.Symbol, scope: Scope) -> Any:
    value = resolve(node, scope)
    if isinstance(value, StoredExpression):
        value = apply_stored(value, {}, scope)
    return negated(value) if node.negated else value


def resolve(node: s.Symbol, scope: Scope) -> Any:
    """What a name stands for, then its members, as stored."""
    known, value = scope.find(node.names[0])
    if not known:
        resolving = f"While resolving {node.text} " if len(node.names) > 1 else ""
        if not resolving and scope.is_function(node.names[0]):
            scope.run.log(f"ERROR:Symbol {node.text} is a function but it is not being called.")
            return None
        scope.unknown(f"{resolving}Symbol", node.names[0])
        return None
    for name in node.names[1:]:
        if isinstance(value, StoredExpression):
            value = apply_stored(value, {}, scope)
        value = v.member(value, name)
    return value


def negated(value: Any) -> Any:
    """The opposite of a truth value or number; NULL of anything else."""
    if isinstance(value, bool):
        return not value
    return -value if isinstance(value, int | float) else None


def apply_stored(stored: StoredExpression, names: dict[str, Any], scope: Scope) -> Any:
    """A LET expression's value, seen from the scope that uses it."""
    run = scope.run
    if run.depth >= DEEPEST:
        run.log(f"Stack Overflow: {scope.find('$Query')[1]}")
        return None
    run.depth += 1
    try:
        return evaluate(stored.expression, scope.child(names))
    finally:
        run.depth -= 1


def _called(node: s.Called, scope: Scope) -> Any:
    from server_app.vql.call import call_function

    value = call_function(node, scope)
    return negated(value) if node.symbol.negated else value


def _member(node: s.Member, scope: Scope) -> Any:
    return v.member(evaluate(node.target, scope), node.name)


def _index(node: s.Index, scope: Scope) -> Any:
    return v.index(_rows_as_list(evaluate(node.target, scope)), evaluate(node.index, scope))


def _slice(node: s.Slice, scope: Scope) -> Any:
    target = _rows_as_list(evaluate(node.target, scope))
    start = evaluate(node.start, scope) if node.start is not None else None
    end = evaluate(node.end, scope) if node.end is not None else None
    bounds_ok = all(bound is None or isinstance(bound, int) for bound in (start, end))
    return v.sliced(target, start, end) if bounds_ok else None


def _rows_as_list(value: Any) -> Any:
    return list(value.rows()) if isinstance(value, StoredQuery) else value


def _negation(node: s.Negation, scope: Scope) -> bool:
    return not v.truth(evaluate(node.operand, scope))


def _chain(node: s.Chain, scope: Scope) -> Any:
    result = evaluate(node.first, scope)
    return _LOGIC.get(node.rest[0][0], _operate)(result, node.rest, scope)


Rest = tuple[tuple[str, Any], ...]


def _operate(result: Any, rest: Rest, scope: Scope) -> Any:
    for sign, operand in rest:
        value = evaluate(operand, scope)
        if sign == "=~":
            result = v.matches(result, value, scope.run.log)
        else:
            result = _OPERATORS[sign](result, value)
    return result


def _all(result: Any, rest: Rest, scope: Scope) -> Any:
    """AND is true or false; && is the last operand's value, or false."""
    if not v.truth(result):
        return False
    for sign, operand in rest:
        value = evaluate(operand, scope)
        if not v.truth(value):
            return False
        result = value if sign == "&&" else True
    return result


def _any(result: Any, rest: Rest, scope: Scope) -> Any:
    """The first operand if true, else TRUE (OR) or the operand (||) that is; else the last."""
    if v.truth(result):
        return result
    for sign, operand in rest:
        result = evaluate(operand, scope)
        if v.truth(result):
            return result if sign == "||" else True
    return result


_LOGIC: dict[str, Callable[[Any, Rest, Scope], Any]] = {
    "AND": _all, "&&": _all, "OR": _any, "|": _any, "||": _any,
}  # fmt: skip

_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "=": v.equal,
    "!=": lambda left, right: not v.equal(left, right),
    "<>": lambda _left, _right: False,  # accepted, and never true
    "<": v.less,
    ">": v.greater,
    "<=": lambda left, right: v.less(left, right) or v.equal(left, right),
    ">=": lambda left, right: v.greater(left, right) or v.equal(left, right),
    "IN": v.contains,
    "+": v.plus,
    "-": v.minus,
    "*": v.times,
    "/": v.divided,
}


def _list_of(node: s.ListOf, scope: Scope) -> list[Any]:
    return [evaluate(item, scope) for item in node.items]


def _grouped(node: s.Grouped, scope: Scope) -> Any:
    return evaluate(node.operand, scope)


def _subselect(node: s.SubSelect, scope: Scope) -> Any:
    """A query among the columns: one row of one column is just its value."""
    from server_app.vql.arguments import one_value
    from server_app.vql.select import select_rows

    items = [one_value(row) for row in select_rows(node.query, scope)]
    return items[0] if len(items) == 1 else items or None


_EVALUATORS: dict[type, Callable[[Any, Scope], Any]] = {
    s.Literal: _literal,
    s.Symbol: _symbol,
    s.Called: _called,
    s.Member: _member,
    s.Index: _index,
    s.Slice: _slice,
    s.Negation: _negation,
    s.Chain: _chain,
    s.ListOf: _list_of,
    s.Grouped: _grouped,
    s.SubSelect: _subselect,
}
