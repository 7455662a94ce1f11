"""Query text → statements (grammar.lark; LALR, so time grows with length only)."""

from __future__ import annotations

import functools
import importlib.resources
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from server_app.vql import syntax as s
from server_app.vql.reductions import Reductions

LONGEST = 1_000_000
"""Characters of query text accepted; a backup's artifacts travel in `env`, not in the query."""


class VQLSyntaxError(Exception):
    """Text that is no query; the message is what the log line says after `VQL Error: `."""


@functools.lru_cache(maxsize=256)
def parse(text: str) -> tuple[s.Statement, ...]:
    """The statements of a query, in order. Raises VQLSyntaxError."""
    import lark

    if len(text) > LONGEST:
        raise VQLSyntaxError(f"query of {len(text)} characters is longer than {LONGEST}")
    try:
        return tuple(_parser("start").parse(text))
    except lark.exceptions.UnexpectedInput as error:
        raise VQLSyntaxError(_explain(error, text)) from error
    except RecursionError as error:  # in naming a column by its text; parsing needs no depth
        raise VQLSyntaxError("expressions are nested too deeply") from error


@functools.lru_cache(maxsize=256)
def parse_lambda(text: str) -> s.Lambda:
    """A lambda given as a string, `x=>x.name`. Raises VQLSyntaxError."""
    import lark

    try:
        tree = _parser("lambda").parse(text)
    except lark.exceptions.UnexpectedInput as error:
        raise VQLSyntaxError(_explain(error, text)) from error
    if not isinstance(tree, s.Lambda):
        raise VQLSyntaxError(f"{text[:40]!r} is not a lambda")
    return tree


STARTS = ("start", "lambda")
"""Rules that a text may be parsed as."""


@functools.cache
def _parser(start: str) -> Any:
    return make_parser(start, Path(__file__).parent if getattr(sys, "frozen", False) else None)


def make_parser(start: str, folder: Path | None) -> Any:
    """The parser for one of STARTS; with `folder`, its tables are read from or written there."""
    import lark

    grammar = importlib.resources.files(__package__).joinpath("grammar.lark").read_text("utf-8")
    return lark.Lark(
        grammar,
        parser="lalr",
        lexer="basic",
        start=start,
        transformer=Reductions(),
        maybe_placeholders=True,
        cache=str(folder / f"{start}.parser") if folder else False,
    )


AROUND = 10
"""Characters of the query shown on either side of what is no token."""


def _explain(error: Any, text: str) -> str:
    """Position and offending token, in the shape of a real server's messages."""
    import lark

    line, column = getattr(error, "line", -1), getattr(error, "column", -1)
    lines = text.split("\n")
    if isinstance(error, lark.exceptions.UnexpectedCharacters):
        before, after = lines[line - 1][: column - 1], lines[line - 1][column - 1 :]
        where = f"{before[-AROUND:]}|{after[:AROUND]}"
        return f"{where}: {line}:{column}: invalid token {_quoted(error.char)}"
    token = getattr(error, "token", None)
    if token is None or token.type == "$END":  # the text ended too soon
        found, where = "<EOF>", f"{len(lines)}:{len(lines[-1]) + 1}"
    else:
        found, where = str(token), f"{line}:{column}"
    return f'{where}: unexpected token "{found}"{_expected(getattr(error, "expected", ()))}'


_WANTED = (
    ("FROM", "<from>"), ("RPAR", '")"'), ("LESS_EQUAL", '"=" | "<="'),
    ("NEGATED", "<symbolident> | <ident>"),
    ("IDENT", "<ident>"), ("NUMBER", "<number>"), ("ARROW", '"=>"'), ("SELECT", "<select>"),
)  # fmt: skip


def _expected(terminals: Iterable[str]) -> str:
    """What could have stood there, as far as a real server's messages name it."""
    shown = next((text for name, text in _WANTED if name in terminals), "")
    return f" (expected {shown})" if shown else ""


def _quoted(character: str) -> str:
    return f"'{character}'"
