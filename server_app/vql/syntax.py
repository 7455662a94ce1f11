"""The parts of a parsed query, and how each is written back as text.

The text matters: an expression without alias names its column by it
(transcript: `user_create(user="apiuser", roles=[…])`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

_PLAIN_NAME = re.compile(r"[A-Za-z_]\w*\Z")


@dataclass(frozen=True, slots=True, eq=False)
class Literal:
    """A value, with the text it was written as."""

    value: Any
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True, eq=False)
class Symbol:
    """A name, or names joined by dots; `negated` where a minus stands right before it."""

    names: tuple[str, ...]
    text: str
    negated: bool = False

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True, eq=False)
class Argument:
    name: str
    value: Expression | SubSelect

    def __str__(self) -> str:
        return f"{quoted(self.name)}={self.value}"


@dataclass(frozen=True, slots=True, eq=False)
class Called:
    symbol: Symbol
    arguments: tuple[Argument, ...]

    def __str__(self) -> str:
        return f"{self.symbol}({', '.join(map(str, self.arguments))})"


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    target: Expression
    name: str

    def __str__(self) -> str:
        return f"{self.target}.{quoted(self.name)}"


@dataclass(frozen=True, slots=True, eq=False)
class Index:
    target: Expression
    index: Expression

    def __str__(self) -> str:
        return f"{self.target}[{self.index}]"


@dataclass(frozen=True, slots=True, eq=False)
class Slice:
    target: Expression
    start: Expression | None
    end: Expression | None

    def __str__(self) -> str:
        return f"{self.target}[{self.start or ''}:{self.end or ''}]"


@dataclass(frozen=True, slots=True, eq=False)
class Negation:
    operand: Expression

    def __str__(self) -> str:
        return f"NOT {self.operand}"


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """Operands of one precedence, evaluated from the left: first, then (operator, operand)…"""

    first: Expression
    rest: tuple[tuple[str, Expression], ...]

    def __str__(self) -> str:
        return str(self.first) + "".join(f"{_sign(sign)}{operand}" for sign, operand in self.rest)


def _sign(sign: str) -> str:
    """An operator as column names have it: two blanks before AND."""
    return f"  {sign} " if sign in ("AND", "&&") else f" {sign} "


@dataclass(frozen=True, slots=True, eq=False)
class ListOf:
    """A list in brackets or parentheses; `trailing`: a comma stands after the last item."""

    items: tuple[Expression, ...]
    brackets: str
    trailing: bool = False

    def __str__(self) -> str:
        comma = ", " if self.trailing else ""
        return self.brackets[0] + ", ".join(map(str, self.items)) + comma + self.brackets[1]


@dataclass(frozen=True, slots=True, eq=False)
class Grouped:
    """One expression in brackets or parentheses: its value is the expression's."""

    operand: Expression
    brackets: str

    def __str__(self) -> str:
        return f"{self.brackets[0]}{self.operand}{self.brackets[1]}"


@dataclass(frozen=True, slots=True, eq=False)
class Lambda:
    parameters: tuple[str, ...]
    body: Expression

    def __str__(self) -> str:
        return f"{', '.join(self.parameters)}=>{self.body}"


@dataclass(frozen=True, slots=True, eq=False)
class SubSelect:
    query: Select

    def __str__(self) -> str:
        return f"{{ {self.query} }}"


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """One column of a SELECT; `expression` None is the star."""

    expression: Expression | SubSelect | None
    name: str

    def __str__(self) -> str:
        if self.expression is None:
            return "*"
        text = str(self.expression)
        named = text in (self.name, quoted(self.name))
        return text if named else f"{text} AS {quoted(self.name)}"


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """What follows FROM: a plugin called with arguments, or (None) a stored query."""

    name: str
    arguments: tuple[Argument, ...] | None

    def __str__(self) -> str:
        if self.arguments is None:
            return self.name
        return f"{self.name}({', '.join(map(str, self.arguments))})"


@dataclass(frozen=True, slots=True, eq=False)
class Select:
    columns: tuple[Column, ...]
    source: Source
    where: Expression | None = None
    group_by: Expression | None = None
    order_by: str | None = None
    descending: bool = False
    limit: int | None = None

    def __str__(self) -> str:
        names = ", ".join(map(str, self.columns))
        text = f"SELECT {names} FROM {self.source}"
        text += f" WHERE {self.where}" if self.where is not None else ""
        text += f" GROUP BY {self.group_by}" if self.group_by is not None else ""
        if self.order_by is not None:
            text += f" ORDER BY {quoted(self.order_by)}{' DESC' if self.descending else ''}"
        return text + (f" LIMIT {self.limit} " if self.limit is not None else "")


@dataclass(frozen=True, slots=True, eq=False)
class Let:
    name: str
    parameters: tuple[tuple[str, Argument | None], ...] | None
    at_once: bool
    value: Select | Expression

    def __str__(self) -> str:
        given = self.parameters or ()
        names = ", ".join(str(default or quoted(name)) for name, default in given)
        parameters = "" if self.parameters is None else f"({names})"
        sign = "<=" if self.at_once else "="
        return f"LET {quoted(self.name)}{parameters} {sign} {self.value}"


Expression = (
    Literal | Symbol | Called | Member | Index | Slice | Negation | Chain | ListOf | Grouped
)
Statement = Let | Select


def quoted(name: str) -> str:
    """A name as it must be written: in backquotes unless it is a plain word."""
    return name if _PLAIN_NAME.match(name) else f"`{name}`"
