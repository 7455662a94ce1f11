"""The parts of a parsed query, and how each is written back as text.

The text matters: an expression without alias names its column by it
(transcript: `user_create(user="apiuser", roles=[…])`).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

_PLAIN_NAME = re.compile(r"[A-Za-z_]\w*\Z")


@dataclass(frozen=True, slots=True, eq=False)
class Literal:
    value: Any

    def __str__(self) -> str:
        if self.value is None:
            return "NULL"
        if isinstance(self.value, bool):
            return "TRUE" if self.value else "FALSE"
        if isinstance(self.value, str):
            return json.dumps(self.value, ensure_ascii=False)
        return str(self.value)


@dataclass(frozen=True, slots=True, eq=False)
class Symbol:
    name: str

    def __str__(self) -> str:
        return quoted(self.name)


@dataclass(frozen=True, slots=True, eq=False)
class Argument:
    name: str
    value: Expression | SubSelect | Lambda

    def __str__(self) -> str:
        return f"{quoted(self.name)}={self.value}"


@dataclass(frozen=True, slots=True, eq=False)
class Called:
    name: str
    arguments: tuple[Argument, ...]

    def __str__(self) -> str:
        return f"{quoted(self.name)}({', '.join(map(str, self.arguments))})"


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
class Prefixed:
    """NOT, or a sign."""

    operator: str
    operand: Expression

    def __str__(self) -> str:
        space = " " if self.operator == "NOT" else ""
        return f"{self.operator}{space}{self.operand}"


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """Operands of one precedence, evaluated from the left: first, then (operator, operand)…"""

    first: Expression
    rest: tuple[tuple[str, Expression], ...]

    def __str__(self) -> str:
        return str(self.first) + "".join(f" {sign} {operand}" for sign, operand in self.rest)


@dataclass(frozen=True, slots=True, eq=False)
class ListOf:
    """A list in brackets or parentheses."""

    items: tuple[Expression, ...]
    brackets: str

    def __str__(self) -> str:
        comma = ", " if len(self.items) == 1 else ""
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
        names = ", ".join(self.parameters)
        return f"{names if len(self.parameters) == 1 else f'({names})'}=>{self.body}"


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
        return text if text == self.name else f"{text} AS {quoted(self.name)}"


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
        return text + (f" LIMIT {self.limit}" if self.limit is not None else "")


@dataclass(frozen=True, slots=True, eq=False)
class Let:
    name: str
    parameters: tuple[str, ...] | None
    at_once: bool
    value: Select | Expression

    def __str__(self) -> str:
        parameters = "" if self.parameters is None else f"({', '.join(self.parameters)})"
        sign = "<=" if self.at_once else "="
        return f"LET {quoted(self.name)}{parameters} {sign} {self.value}"


Expression = (
    Literal
    | Symbol
    | Called
    | Member
    | Index
    | Slice
    | Prefixed
    | Chain
    | ListOf
    | Grouped
    | Lambda
)
Statement = Let | Select


def quoted(name: str) -> str:
    """A name as it must be written: in backquotes unless it is a plain word."""
    return name if _PLAIN_NAME.match(name) else f"`{name}`"
