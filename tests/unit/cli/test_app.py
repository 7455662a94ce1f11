"""What every verb has in common: examples, and ends in words and not in a trace."""

import errno
import json
import re

import pytest
import typer

from recovery.cli import app as the_app
from recovery.errors import NoPointError


def verbs(command, path=()):
    inner = getattr(command, "commands", None)
    if inner is None:
        return [(" ".join(path), command)]
    return [found for name in inner for found in verbs(inner[name], (*path, name))]


ALL = verbs(typer.main.get_command(the_app))


@pytest.mark.parametrize(("name", "verb"), ALL, ids=[name for name, _ in ALL])
def test_every_verb_shows_examples_of_itself(name, verb):
    text = verb.help.partition("Example")[2]
    assert f"recovery {name}" in text
    first = verb.help.split("\n\n")[0]
    assert "\n" not in first.strip(), "the list of verbs shows the first paragraph"


def failing(monkeypatch, error, *words):
    def fail(*_args, **_more):
        raise error

    monkeypatch.setattr(typer.Typer, "__call__", fail)
    monkeypatch.setattr("sys.argv", ["recovery", *words])
    with pytest.raises(SystemExit) as ended:
        the_app()
    return ended.value.code


def test_a_full_disk_that_nobody_foresaw_ends_in_words(monkeypatch, capsys):
    full = OSError(errno.ENOSPC, "No space left on device", "/vault/x")
    assert failing(monkeypatch, full) == 2
    said = capsys.readouterr().err
    assert "error: /vault/x: this machine refused: No space left on device\n  next: " in said


@pytest.mark.parametrize(
    ("errno", "hint"),
    [(errno.ENOENT, "is the path right"), (errno.EACCES, "see to space and permissions there")],
)
def test_a_path_that_is_not_there_is_no_matter_of_space(monkeypatch, capsys, errno, hint):
    assert failing(monkeypatch, OSError(errno, "refused", "/nodir/x")) == 2
    assert f"next: {hint}" in capsys.readouterr().err


def test_an_interruption_says_how_to_go_on(monkeypatch, capsys):
    assert failing(monkeypatch, typer.Abort()) == 130
    assert "run the same command again" in capsys.readouterr().err


def test_json_has_the_error_on_standard_output(monkeypatch, capsys):
    error = NoPointError("no recovery point", target="/vault", hint="look")
    assert failing(monkeypatch, error, "--json") == 64
    assert json.loads(capsys.readouterr().out)["error"]["hint"] == "look"


@pytest.mark.parametrize(
    ("words", "about"),
    [
        (["status"], "--vault"),
        (["points", "list", "--vualt", "x"], "--vualt"),
        (["nothing"], "nothing"),
        (["restore", "--to", "local://", "--vault", "/v", "--dns-ttl", "x"], "--dns-ttl"),
    ],
)
def test_json_has_what_was_typed_wrong_on_standard_output_too(monkeypatch, capsys, words, about):
    monkeypatch.setattr("sys.argv", ["recovery", *words, "--json"])
    monkeypatch.delenv("RECOVERY_VAULT", raising=False)
    with pytest.raises(SystemExit) as ended:
        the_app()
    assert ended.value.code == 64
    said = capsys.readouterr()
    assert about in json.loads(said.out)["error"]["message"]
    assert about in said.err


def test_version(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["recovery", "--version"])
    with pytest.raises(SystemExit) as ended:
        the_app()
    assert ended.value.code == 0
    assert re.fullmatch(r"recovery \d+\.\d+\.\d+\n", capsys.readouterr().out)
