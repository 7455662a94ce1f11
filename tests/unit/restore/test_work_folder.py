"""What a killed recovery has opened doesn't stay: keys and hashes, among temporary files."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from recovery.restore.work_folder import work_folder

RUN = """
import sys, time
from recovery.restore.work_folder import work_folder
with work_folder() as folder:
    (folder / "server.config.yaml").write_text("a key")
    print(folder, flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def folder_for_temporary_files(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))


def test_it_is_the_owners_alone_and_gone_at_the_end(tmp_path):
    with work_folder() as folder:
        assert {one.stat().st_mode & 0o777 for one in (folder, folder.parent)} == {0o700}
        (folder / "x").write_text("x")
    assert [*tmp_path.iterdir()] == []


def test_what_a_killed_run_left_goes_and_what_a_living_one_has_stays(tmp_path):
    run = subprocess.Popen([sys.executable, "-c", RUN], stdout=subprocess.PIPE, text=True)
    left = run.stdout.readline().strip()
    with work_folder() as folder:
        assert {str(one / "files") for one in tmp_path.iterdir()} == {left, str(folder)}
        run.kill()
        run.wait()
        run.stdout.close()
        assert (Path(left) / "server.config.yaml").exists()
        with work_folder() as other:
            assert {one / "files" for one in tmp_path.iterdir()} == {folder, other}


def test_nothing_else_is_touched(tmp_path):
    target = tmp_path / "elsewhere"
    target.mkdir()
    (tmp_path / "recovery-work-link").symlink_to(target)
    (tmp_path / "recovery-work-file").write_text("x")
    (tmp_path / "recovery-work-being-made").mkdir()
    old = tmp_path / "recovery-work-of-an-older-version"
    old.mkdir()
    os.utime(old, (1, 1))
    with work_folder():
        kept = {one.name for one in tmp_path.iterdir()}
    assert {"elsewhere", "recovery-work-link", "recovery-work-file"} <= kept
    assert "recovery-work-being-made" in kept
    assert old.name not in kept
