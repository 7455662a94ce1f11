"""A package is looked into once: what was found is noted under its SHA-256."""

import json
import stat

import pytest

from recovery.capture import look_inside as room
from recovery.capture.look_inside import look_inside_here
from recovery.errors import CommandError
from recovery.file_hash import sha256_of

TOLD = {"version": "0.77.2-1", "config_fingerprint": "c" * 64, "deployment_fingerprint": "d" * 64}


@pytest.fixture
def asked(monkeypatch, tmp_path):
    """The calls of the package builder, which answers :data:`TOLD`."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    calls = []

    def answer(*words):
        calls.append(words)
        return json.dumps(TOLD)

    monkeypatch.setattr(room, "server_deb", answer)
    return calls


@pytest.fixture
def package(tmp_path):
    path = tmp_path / "server.deb"
    path.write_bytes(b"a package with a private key")
    return path


def notes(tmp_path):
    return [path for path in (tmp_path / "state").rglob("*.json") if path.is_file()]


def test_the_second_look_asks_nobody(asked, package, tmp_path):
    first = look_inside_here(package)
    moved = package.rename(tmp_path / "moved.deb")
    second = look_inside_here(moved)
    assert len(asked) == 1
    assert (second.version, second.deployment) == (first.version, first.deployment)
    assert (first.path, second.path) == (str(package), str(moved))


def test_other_bytes_are_looked_into(asked, package):
    look_inside_here(package)
    package.write_bytes(b"another package")
    assert look_inside_here(package).sha256 == sha256_of(package)
    assert len(asked) == 2


def test_a_note_holds_no_content_and_nobody_else_reads_it(asked, package, tmp_path):
    look_inside_here(package)
    (note,) = notes(tmp_path)
    assert b"private" not in note.read_bytes()
    assert stat.S_IMODE(note.stat().st_mode) == 0o600
    assert stat.S_IMODE(note.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("broken", ["", "[]", "{}", "null", '{"version": 1}'])
def test_a_note_that_is_no_note_counts_as_none(asked, package, tmp_path, broken):
    look_inside_here(package)
    (note,) = notes(tmp_path)
    note.write_text(broken)
    look_inside_here(package)
    assert len(asked) == 2


def test_a_note_of_another_package_counts_as_none(asked, package, tmp_path):
    look_inside_here(package)
    (note,) = notes(tmp_path)
    note.write_text(json.dumps(json.loads(note.read_bytes()) | {"sha256": "0" * 64}))
    look_inside_here(package)
    assert len(asked) == 2


def test_what_is_no_package_is_not_noted(monkeypatch, package, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with pytest.raises(CommandError, match="no ar archive"):
        look_inside_here(package)
    assert notes(tmp_path) == []
