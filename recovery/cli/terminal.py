"""Lines that a person reads: nothing in them moves the cursor, colors or hides anything."""

import os
import re
import sys
import textwrap

import typer

from recovery.plain_text import plain

_SPAN = re.compile(r"`[^`]*`")
_GLUE = "\0"
"""Between the words of a command while lines are broken; :func:`plain` leaves no other in."""


def echo(text: str, *, err: bool = False) -> None:
    """A line on standard output; or on standard error, where a terminal gets it between words."""
    line = plain(text)
    if err and sys.stderr.isatty():
        line = between_words(line, os.get_terminal_size(sys.stderr.fileno()).columns)
    typer.echo(line, err=err)


def between_words(text: str, width: int) -> str:
    """``text`` with its wider lines broken; words, and commands in backticks, stay whole."""
    if width < 1:  # a terminal that doesn't know its size
        return text
    return "\n".join(
        _broken(line, width) if len(line) > width else line for line in text.split("\n")
    )


def _broken(line: str, width: int) -> str:
    whole = _SPAN.sub(lambda span: span[0].replace(" ", _GLUE), line)
    indent = line[: len(line) - len(line.lstrip())] + "  "
    parts = textwrap.wrap(
        whole,
        width,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(parts).replace(_GLUE, " ")
