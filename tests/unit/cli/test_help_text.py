import shlex

import pytest
import typer

from recovery.cli import app as the_app
from recovery.cli.help_text import flowing
from tests.unit.cli.test_app import ALL

ROOT = typer.main.get_command(the_app)
TERMINAL = 78


@pytest.mark.parametrize(("name", "verb"), ALL, ids=[name for name, _ in ALL])
def test_help_fills_a_terminal_and_no_line_of_an_example_is_too_wide(name, verb):
    for paragraph in verb.help.split("\n\n"):
        lines = paragraph.split("\n")
        if paragraph.startswith(("  ", "Examples:\n")):
            assert max(map(len, lines)) <= TERMINAL
        else:
            assert len(lines) == 1, "a source's line ends would break it in the middle"


@pytest.mark.parametrize(("name", "verb"), ALL, ids=[name for name, _ in ALL])
def test_a_flag_is_not_shown_with_a_value(name, verb):
    flags = [option for option in verb.params if getattr(option, "is_flag", False)]
    assert {flag.metavar for flag in flags} <= {""}


def test_the_way_out_of_a_disaster_is_the_first_verb():
    assert next(iter(ROOT.commands)) == "restore"


def test_a_wide_example_is_broken_as_a_shell_reads_it():
    command = "recovery x --one 'two words --not-here' " + " ".join(
        f"--o{n} v{n}" for n in range(9)
    )
    told = flowing(f"First.\n\nSome\nwords.\n\n  {command} | sh")
    first, words, example = told.split("\n\n")
    assert (first, words) == ("First.", "Some words.")
    assert len(example.split("\n")) > 1
    assert max(map(len, example.split("\n"))) <= TERMINAL
    assert shlex.split(example.replace("\\\n", "")) == shlex.split(f"{command} | sh")


def test_what_the_source_broke_is_broken_anew_at_one_depth():
    command = "recovery x --one 1 \\\n    --two " + "2" * 40 + " --three " + "3" * 30
    told = flowing(f"First.\n\nWords.\n\n  {command}")
    first, *more = told.split("\n\n")[2].split("\n")
    assert first.startswith("  recovery x --one 1")
    assert [len(line) - len(line.lstrip()) for line in more] == [4] * len(more)
    assert more
