"""Grammar rules → syntax: one method a rule of grammar.lark, called as the parser reduces."""

from __future__ import annotations

import re
from typing import Any

from server_app.vql import syntax as s

_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)", re.DOTALL)
_UNICODE_END = 0x110000
_WORDS = {"true": True, "false": False, "null": None}

Parts = list[Any]


class Reductions:
    """Each method takes the parts of its rule, tokens included, and gives their syntax."""

    def start(self, parts: Parts) -> Parts:
        return parts

    # -- statements ---------------------------------------------------------
    def let(self, parts: Parts) -> s.Let:
        _, name, parameters, operator, value = parts
        return s.Let(plain(name), parameters, str(operator) == "<=", value)

    def parameters(self, parts: Parts) -> tuple[str, ...]:
        return tuple(plain(part) for part in parts)

    def select(self, parts: Parts) -> s.Select:
        columns, source = parts[2], parts[4]
        where, group, order, limit = parts[5:]
        return s.Select(
            columns, source, where, group,
            order[0] if order else None, bool(order and order[1]), limit,
        )  # fmt: skip

    def where(self, parts: Parts) -> s.Expression:
        items, is_list = parts[1]
        return s.ListOf(items, "()") if is_list else items[0]

    group = where

    def order(self, parts: Parts) -> tuple[str, bool]:
        return plain(parts[1]), parts[2] is not None

    def limit(self, parts: Parts) -> int:
        return int(number_of(parts[1]))

    def columns(self, parts: Parts) -> tuple[s.Column, ...]:
        return tuple(parts)

    def star(self, parts: Parts) -> s.Column:
        del parts
        return s.Column(None, "*")

    def aliased(self, parts: Parts) -> s.Column:
        expression, alias = parts[0], parts[2]
        if alias is not None:
            return s.Column(expression, plain(alias))
        name = expression.name if isinstance(expression, s.Symbol) else str(expression)
        return s.Column(expression, name)

    def source(self, parts: Parts) -> s.Source:
        return s.Source(".".join(plain(part) for part in parts[:-1]), parts[-1])

    def call(self, parts: Parts) -> tuple[s.Argument, ...]:
        return tuple(part for part in parts if part is not None)

    def argument(self, parts: Parts) -> s.Argument:
        return s.Argument(plain(parts[0]), parts[2])

    def subselect(self, parts: Parts) -> s.SubSelect:
        return s.SubSelect(parts[0])

    def array(self, parts: Parts) -> s.Expression:
        return s.ListOf((), "[]") if parts[0] is None else as_value(parts[0], "[]")

    def lambda_one(self, parts: Parts) -> s.Lambda:
        return s.Lambda((plain(parts[0]),), parts[1])

    def lambda_many(self, parts: Parts) -> s.Lambda | s.Literal:
        inside = parts[0]
        items = inside.items if isinstance(inside, s.ListOf) else (inside.operand,)
        names = tuple(item.name for item in items if isinstance(item, s.Symbol))
        # Something else than names before the arrow has no meaning: NULL, as an unknown lambda.
        return s.Lambda(names, parts[1]) if len(names) == len(items) else s.Literal(None)

    # -- expressions --------------------------------------------------------
    def list(self, parts: Parts) -> tuple[tuple[s.Expression, ...], bool]:
        """The items, and whether a comma makes them a list."""
        items = tuple(part for part in parts if not is_comma(part) and part is not None)
        return items, any(is_comma(part) for part in parts)

    def parenthesis(self, parts: Parts) -> s.Expression:
        return as_value(parts[0], "()")

    def chain(self, parts: Parts) -> s.Expression:
        if len(parts) == 1:
            return parts[0]  # type: ignore[no-any-return]
        signs = [str(part).upper() for part in parts[1::2]]
        return s.Chain(parts[0], tuple(zip(signs, parts[2::2], strict=True)))

    def comparator(self, parts: Parts) -> str:
        return str(parts[0])

    factor = comparator

    def negation(self, parts: Parts) -> s.Prefixed:
        return s.Prefixed("NOT", parts[1])

    def signed(self, parts: Parts) -> s.Expression:
        return s.Prefixed(str(parts[0]), parts[1])

    def member(self, parts: Parts) -> s.Member:
        return s.Member(parts[0], plain(parts[1]))

    def index(self, parts: Parts) -> s.Index:
        return s.Index(parts[0], parts[1])

    def slice(self, parts: Parts) -> s.Slice:
        return s.Slice(*parts)

    def symbol(self, parts: Parts) -> s.Symbol:
        return s.Symbol(plain(parts[0]))

    def called(self, parts: Parts) -> s.Called:
        return s.Called(plain(parts[0]), parts[1])

    def string(self, parts: Parts) -> s.Literal:
        return s.Literal(_ESCAPE.sub(_unescape, str(parts[0])[1:-1]))

    def raw_string(self, parts: Parts) -> s.Literal:
        return s.Literal(str(parts[0])[3:-3])

    def number(self, parts: Parts) -> s.Literal:
        return s.Literal(number_of(parts[0]))

    def word_value(self, parts: Parts) -> s.Literal:
        return s.Literal(_WORDS[str(parts[0]).lower()])


def plain(token: object) -> str:
    """A name without its backquotes."""
    text = str(token)
    return text[1:-1] if text.startswith("`") else text


def is_comma(part: object) -> bool:
    return getattr(part, "type", "") == "COMMA"


def as_value(parts: tuple[tuple[s.Expression, ...], bool], brackets: str) -> s.Expression:
    """A list where there was a comma, else the one expression (the trailing-comma rule)."""
    items, is_list = parts
    return s.ListOf(items, brackets) if is_list else s.Grouped(items[0], brackets)


def number_of(token: object) -> int | float:
    """An integer of 64 bits, or a float."""
    text = str(token)
    if text.startswith("0x"):
        value = int(text, 16)
    elif text.isdigit() and len(text) < 20:  # noqa: PLR2004 - digits of 2**64
        value = int(text)
    else:
        return float(text)
    return value if -(1 << 63) <= value < (1 << 63) else float(value)


def _unescape(match: re.Match[str]) -> str:
    code = match[1]
    if code[0] in "xuU" and len(code) > 1:
        point = int(code[1:], 16)
        return chr(point) if point < _UNICODE_END else "\ufffd"
    return _ESCAPES.get(code, code)
