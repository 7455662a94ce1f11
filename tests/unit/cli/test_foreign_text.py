"""What an intruder may have named can't hide itself on an operator's terminal."""

import io

import pytest
from rich.table import Table
from rich.text import Text

from recovery.cli.safe_console import safe_console
from recovery.cli.terminal import echo
from recovery.plain_text import plain

HOSTILE = [
    ("\x1b[2K\x1b[1Gboss", "\\x1b[2K\\x1b[1Gboss"),
    ("\x9b2Jx", "\\x9b2Jx"),
    ("a\rb", "a\\rb"),
    ("\u202egnp.exe", "\\u202egnp.exe"),
    ("\x07\x08", "\\x07\\x08"),
]


@pytest.mark.parametrize(("name", "shown"), HOSTILE)
def test_what_is_not_seen_is_written_out(name, shown, capsys):
    assert plain(f"user {name}") == f"user {shown}"
    echo(f"user {name}")
    echo(f"user {name}", err=True)
    said = capsys.readouterr()
    assert said.out == said.err == f"user {shown}\n"


@pytest.mark.parametrize("text", ["Zoë Müller", "a\tb\nc", "日本語", "👩‍💻", "[bold]x[/bold]"])
def test_ordinary_text_stays_as_it_is(text):
    assert plain(text) == text


# Of these rich itself leaves out carriage returns, bells and backspaces.
@pytest.mark.parametrize(("name", "shown"), [HOSTILE[place] for place in (0, 1, 3)])
def test_tables_show_it_too_and_our_colors_stay(name, shown):
    out = io.StringIO()
    console = safe_console(file=out, force_terminal=True, width=80, color_system="standard")
    table = Table("user", "change")
    table.add_row(name, Text("new", style="green"))
    console.print(table)
    console.print(f"finding: {name}", style="yellow")
    assert out.getvalue().count(shown) == 2
    assert "\x1b[32mnew" in out.getvalue()
    assert "\x1b[2K" not in out.getvalue()


@pytest.mark.parametrize("name", ["[black on black]boss", "x[/]", "[link=file:///etc]y", ":bomb:"])
def test_words_in_brackets_are_words(name):
    out = io.StringIO()
    console = safe_console(file=out, width=80)
    table = Table("user")
    table.add_row(name)
    console.print(table)
    assert name in out.getvalue()
