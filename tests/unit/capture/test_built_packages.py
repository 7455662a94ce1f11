"""Packages built here: found again by deployment and version, if they are what they were."""

import hashlib
import stat

import pytest

from recovery.capture.built_packages import find_built, note_built


@pytest.fixture
def package(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    path = tmp_path / "velociraptor-server_0.77.2-1_amd64.deb"
    path.write_bytes(b"a package")
    note_built(path, deployment="d1", version="0.77.2-1", sha256=_hash(path))
    return path


def _hash(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_package_of_that_deployment_and_version(package):
    assert find_built("d1", "0.77.2-1") == package
    assert find_built("d1", "0.77.2-2") is None
    assert find_built("d2", "0.77.2-1") is None


def test_the_newest_of_two_counts(package, tmp_path):
    later = tmp_path / "later.deb"
    later.write_bytes(b"another")
    note_built(later, deployment="d1", version="0.77.2-1", sha256=_hash(later))
    assert find_built("d1", "0.77.2-1") == later


def test_one_that_changed_since_or_is_gone_is_none(package):
    package.write_bytes(b"tampered")
    assert find_built("d1", "0.77.2-1") is None
    package.unlink()
    assert find_built("d1", "0.77.2-1") is None


def test_no_key_material_is_copied_and_nobody_else_reads_it(package, tmp_path):
    notes = [path for path in (tmp_path / "state").rglob("*") if path.is_file()]
    assert len(notes) == 1
    assert b"a package" not in notes[0].read_bytes()
    assert stat.S_IMODE(notes[0].stat().st_mode) == 0o600


def test_a_note_that_is_no_note_finds_nothing(package, tmp_path):
    [note] = [path for path in (tmp_path / "state").rglob("*") if path.is_file()]
    for broken in ("", "[]", "{}", "null", '{"path": 1, "sha256": 2}'):
        note.write_text(broken)
        assert find_built("d1", "0.77.2-1") is None
