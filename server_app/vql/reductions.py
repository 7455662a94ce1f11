"""Grammar rules → syntax: one method a rule of grammar.lark, called as the parser reduces."""

from __future__ import annotations

import decimal
import math
import re
from typing import Any

from server_app.vql import syntax as s

_ESCAPES = {b"n": b"\n", b"t": b"\t", b"r": b"\r"}
_ESCAPE = re.compile(rb"\\(?:[xX]([0-9a-fA-F]{2})|(.))", re.DOTALL)
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

    def parameters(self, parts: Parts) -> tuple[tuple[str, s.Argument | None], ...]:
        """Names, and what those that have a default stand for where they aren't given."""
        named = [part for part in parts if part is not None]
        return tuple((p.name, p) if isinstance(p, s.Argument) else (p, None) for p in named)

    def plain_parameter(self, parts: Parts) -> str:
        return plain(parts[0])

    def select(self, parts: Parts) -> s.Select:
        columns, source = parts[2], parts[4]
        where, group, order, limit = parts[5:]
        return s.Select(
            columns, source, where, group,
            order[0] if order else None, bool(order and order[1]), limit,
        )  # fmt: skip

    def where(self, parts: Parts) -> s.Expression:
        items, is_list, trailing = parts[1]
        return s.ListOf(items, "()", trailing) if is_list else items[0]

    group = where

    def order(self, parts: Parts) -> tuple[str, bool]:
        return plain(parts[1]), parts[2] is not None

    def limit(self, parts: Parts) -> int:
        return int(number_of(parts[1]) or 0)

    def columns(self, parts: Parts) -> tuple[s.Column, ...]:
        return tuple(part for part in parts if part is not None)

    def star(self, parts: Parts) -> s.Column:
        del parts
        return s.Column(None, "*")

    def aliased(self, parts: Parts) -> s.Column:
        expression, alias = parts[0], parts[2]
        if alias is not None:
            return s.Column(expression, plain(alias))
        return s.Column(expression, plain(expression))

    def source(self, parts: Parts) -> s.Source:
        return s.Source(".".join(plain(part) for part in parts[:-1]), parts[-1])

    def call(self, parts: Parts) -> tuple[s.Argument, ...]:
        return tuple(part for part in parts if part is not None)

    def argument(self, parts: Parts) -> s.Argument:
        return s.Argument(plain(parts[0]), parts[2])

    def subselect(self, parts: Parts) -> s.SubSelect:
        return s.SubSelect(parts[0])

    def array(self, parts: Parts) -> s.Expression:
        return bracketed(parts[0], "[]") if parts[0] is not None else s.ListOf((), "[]")

    def lambda_(self, parts: Parts) -> s.Lambda:
        return s.Lambda(tuple(plain(part) for part in parts[:-2]), parts[-1])

    # -- expressions --------------------------------------------------------
    def list(self, parts: Parts) -> tuple[tuple[s.Expression, ...], bool, bool]:
        """The items, whether a comma makes them a list, and whether one stands at the end."""
        items = tuple(part for part in parts if part is not None and not is_comma(part))
        commas = sum(map(is_comma, parts))
        return items, commas > 0, commas == len(items)

    def parenthesis(self, parts: Parts) -> s.Expression:
        return bracketed(parts[0], "()")

    def chain(self, parts: Parts) -> s.Expression:
        if len(parts) == 1:
            return parts[0]  # type: ignore[no-any-return]
        signs = [str(part).upper() for part in parts[1::2]]
        return s.Chain(parts[0], tuple(zip(signs, parts[2::2], strict=True)))

    def comparison(self, parts: Parts) -> s.Expression:
        left, sign, right = parts
        return left if sign is None else s.Chain(left, ((sign, right),))

    def comparator(self, parts: Parts) -> str:
        return str(parts[0]).upper()

    def negation(self, parts: Parts) -> s.Negation:
        return s.Negation(parts[1])

    def member(self, parts: Parts) -> s.Member:
        return s.Member(parts[0], plain(parts[1]))

    def index(self, parts: Parts) -> s.Index:
        return s.Index(parts[0], parts[1])

    def slice(self, parts: Parts) -> s.Slice:
        return s.Slice(*parts)

    def symbol(self, parts: Parts) -> s.Symbol | s.Called:
        *tokens, arguments = parts
        text = ".".join(map(str, tokens))
        negated = text.startswith("-")
        first = str(tokens[0]).removeprefix("-")
        symbol = s.Symbol(tuple(plain(name) for name in (first, *tokens[1:])), text, negated)
        return symbol if arguments is None else s.Called(symbol, arguments)

    def string(self, parts: Parts) -> s.Literal:
        return s.Literal(unquoted(str(parts[0])[1:-1]), str(parts[0]))

    def raw_string(self, parts: Parts) -> s.Literal:
        return s.Literal(str(parts[0])[3:-3], str(parts[0]))

    def number(self, parts: Parts) -> s.Literal:
        value = number_of(parts[0])
        return s.Literal(value, _number_text(value))

    def word_value(self, parts: Parts) -> s.Literal:
        value = _WORDS[str(parts[0]).lower()]
        return s.Literal(value, "NULL" if value is None else str(parts[0]))


def plain(token: object) -> str:
    """A name without its backquotes."""
    text = str(token)
    return text[1:-1] if text.startswith("`") else text


def is_comma(part: object) -> bool:
    return getattr(part, "type", "") == "COMMA"


def bracketed(parts: tuple[tuple[s.Expression, ...], bool, bool], brackets: str) -> s.Expression:
    """A list where there was a comma, else the one expression (the trailing-comma rule)."""
    items, is_list, trailing = parts
    return s.ListOf(items, brackets, trailing) if is_list else s.Grouped(items[0], brackets)


def number_of(token: object) -> int | float | None:
    """An integer of 64 bits, or a float; None for a float too large. A leading zero means octal."""
    text = str(token)
    try:
        value = int(text, 8) if _OCTAL.fullmatch(text) else int(text, 0)
    except ValueError:
        real = float(text)
        return real if math.isfinite(real) else None
    return value if -(1 << 63) <= value < (1 << 63) else float(value)


_OCTAL = re.compile(r"-?0[0-7]+")


def _number_text(value: float | None) -> str:
    if value is None:
        return "FALSE"
    if isinstance(value, int):
        return str(value)
    text = format(decimal.Decimal(repr(value)), "f")
    return text if "." in text else text + ".0"


def unquoted(text: str) -> str:
    """A text without its escapes: a byte by x and two digits, n, r, t; else the character."""
    return _ESCAPE.sub(_unescape, text.encode()).decode("utf-8", "replace")


def _unescape(match: re.Match[bytes]) -> bytes:
    if match[1]:
        return bytes.fromhex(match[1].decode())
    return _ESCAPES.get(match[2], match[2])
