"""The script on the spare, with an rsync that only says how it was called."""

import os

import pytest

from recovery import commands
from recovery.standby import pull
from recovery.standby.pair import Machine

RSYNC = """#!/bin/sh
printf '%s\\n' "$*" >> "$FOLDER/calls"
echo 'Number of files: 1,234 (reg: 1,000)'
exit $(cat "$FOLDER/ends-with")
"""
SOURCE = Machine(uri="ssh://a", address="192.0.2.7")


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs a pull whose rsync ends with a code; what it was asked."""
    for name in ("ROOM", "LOCK", "ROLE", "LAST_SYNC"):
        monkeypatch.setattr(pull, name, str(tmp_path / name))
    monkeypatch.setattr(pull, "OWNER", "root")
    (tmp_path / "ROLE").write_text("spare\n")
    (tmp_path / "ds").mkdir()
    (tmp_path / "bin").mkdir()
    fake = tmp_path / "bin" / "rsync"
    fake.write_text(RSYNC)
    fake.chmod(0o755)
    path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "FOLDER": str(tmp_path)}

    def call(code, lists=b"clients\n"):
        (tmp_path / "ends-with").write_text(str(code))
        argv = pull.pull_argv(SOURCE, str(tmp_path / "ds"), elapsed=1, most=9)
        made = pull.bundle({"client_info/snapshot.json": lists}, {"clients": 1, "epoch": 2})
        done = commands.run(argv, stdin=made, env=env, timeout=60, check=False)
        assert done.returncode == code, done.stderr
        return (tmp_path / "calls").read_text().splitlines()[-1], done

    return call


@pytest.mark.skipif(os.geteuid() != 0, reason="files get an owner")
def test_parts_of_files_are_asked_for_only_after_an_interruption(run, tmp_path):
    asked, _ = run(0)
    assert "--partial-dir" in asked, "the first copy is a long one"
    asked, done = run(0)
    assert "--partial-dir" not in asked
    assert pull.parse_pulled(done.stdout).files == 1234
    run(12)
    asked, _ = run(0)
    assert "--partial-dir=.rsync-partial" in asked
    asked, _ = run(0)
    assert "--partial-dir" not in asked


@pytest.mark.skipif(os.geteuid() != 0, reason="files get an owner")
def test_a_sync_that_failed_leaves_list_and_record_as_they_were(run, tmp_path):
    run(0, b"first\n")
    before = (tmp_path / "LAST_SYNC").read_text()
    run(23, b"second\n")
    assert (tmp_path / "LAST_SYNC").read_text() == before
    assert (tmp_path / "ds" / "client_info" / "snapshot.json").read_text() == "first\n"


def test_a_machine_that_serves_is_not_written_to(run, tmp_path):
    (tmp_path / "ROLE").write_text("active\n")
    (tmp_path / "calls").write_text("none\n")
    assert run(pull.SERVES)[0] == "none"
