"""Help as a terminal shows it: paragraphs fill its width, examples can be copied line by line."""

import re
import textwrap
from inspect import cleandoc
from typing import Any

from typer.core import TyperGroup

from recovery.switch.forms import FORMS

_WIDTH = 78
"""A terminal's usual 80 columns, less a margin of one on either side, as typer draws it."""


class Verbs(TyperGroup):
    """The command line's root, which words the help of all that is below it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _word(self)


def _word(verb: Any) -> None:
    verb.help = flowing(verb.help or "")
    for option in verb.params:
        if getattr(option, "is_flag", False):
            option.metavar = ""  # it takes no value: typer would write <bool> beside it
    for inner in getattr(verb, "commands", {}).values():
        _word(inner)


def flowing(text: str) -> str:
    """``text`` (a docstring) without the source's line ends; indented lines stay lines.

    An indented line too wide for a terminal is broken before an option, as a shell can read it.
    """
    parts = (_paragraph(part) for part in cleandoc(text).split("\n\n"))
    return "\n\n".join(part for part in parts if part)


def _paragraph(part: str) -> str:
    lines = re.sub(r" \\\n *", " ", part.strip("\n")).split("\n")  # broken anew, to the width
    plain = [line for line in lines if line != "\b"]  # click's mark for lines that stay
    if len(plain) < len(lines) or plain[0].startswith(" "):
        return "\n".join(_example(line) for line in plain)
    return " ".join(line.strip() for line in plain)


def _example(line: str) -> str:
    if len(line) <= _WIDTH:
        return line
    indent = line[: len(line) - len(line.lstrip())]
    words = line.strip().replace(" --", "\n--").replace(" | ", "\n| ").split("\n")
    glued = " ".join(word.replace(" ", "\0") for word in words)
    broken = textwrap.wrap(
        glued,
        _WIDTH - len(" \\"),
        initial_indent=indent,
        subsequent_indent=f"{indent}  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    return " \\\n".join(broken).replace("\0", " ")


def with_switches(text: str | None) -> str:
    """A verb's docstring, followed by the forms of ``--switch``."""
    return f"{cleandoc(text or '')}\n\nSwitches:\n\n{textwrap.indent(FORMS, '  ')}"
