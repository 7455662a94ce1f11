"""Locks, processes and signals: the real ones."""

import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from recovery.drill.children import descendants, end_children, end_processes, working_in
from recovery.drill.interrupt import Interrupted, interruptible
from recovery.drill.names import Run
from recovery.drill.run_lock import is_held, known_runs, remove_folder, running

CLONE = Path(__file__).parents[3]
HOLD = (
    "import sys, time\nfrom recovery.drill.names import Run\n"
    "from recovery.drill.run_lock import running\n"
    "with running(Run('abc123')):\n    print('held', flush=True)\n    time.sleep(60)\n"
)
STUBBORN = "trap '' TERM; echo ready; while :; do sleep 0.1; done"


@pytest.fixture(autouse=True)
def _own_state(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def test_a_lock_ends_with_its_process():
    run = Run("abc123")
    assert not is_held(run.lock)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD], stdout=subprocess.PIPE, cwd=CLONE, env={**os.environ}
    )
    assert holder.stdout is not None
    try:
        assert holder.stdout.readline() == b"held\n"
        assert is_held(run.lock)
        assert known_runs() == [run]
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()
    assert not is_held(run.lock)
    assert run.folder.stat().st_mode & 0o777 == 0o700
    remove_folder(run)
    assert known_runs() == []


def test_a_lock_that_can_not_be_looked_at_counts_as_held(tmp_path):
    assert is_held(tmp_path)  # a folder: it can't be opened for writing


def test_this_process_holds_its_own_lock():
    with (
        running(Run("abc123")) as folder,
        (folder / "running").open("r+") as other,
        pytest.raises(BlockingIOError),
    ):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_children_and_theirs_are_ended(tmp_path):
    shell = subprocess.Popen(["sh", "-c", "sleep 61 & sleep 62"])
    deadline = time.monotonic() + 10
    while len(descendants(os.getpid())) < 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert shell.pid in descendants(os.getpid())
    assert end_children(tmp_path) >= 3
    assert shell.wait(timeout=10) == -signal.SIGTERM
    assert descendants(os.getpid()) == []


def test_who_does_not_listen_is_killed(monkeypatch):
    monkeypatch.setattr("recovery.drill.children._PATIENCE", 0.5)
    deaf = subprocess.Popen(["sh", "-c", STUBBORN], stdout=subprocess.PIPE)
    assert deaf.stdout is not None
    assert deaf.stdout.readline() == b"ready\n"
    end_processes([deaf.pid])
    assert deaf.wait(timeout=10) == -signal.SIGKILL
    deaf.stdout.close()


def test_processes_are_found_by_the_folder_they_work_in(tmp_path):
    inside = tmp_path / "a" / "b"
    inside.mkdir(parents=True)
    worker = subprocess.Popen(["sleep", "63"], cwd=inside)
    try:
        assert worker.pid in working_in(tmp_path / "a")
        assert worker.pid not in working_in(tmp_path / "c")
        inside.rmdir()
        assert worker.pid in working_in(tmp_path / "a")  # its folder is gone, it isn't
    finally:
        worker.kill()
        worker.wait()


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_signals_end_a_drill_once(number, code):
    before = signal.getsignal(number)
    with pytest.raises(Interrupted) as ended:
        _drill_that_gets(number)
    assert ended.value.exit_code == code
    assert signal.getsignal(number) == before


def _drill_that_gets(number):
    with interruptible():
        try:
            os.kill(os.getpid(), number)
            time.sleep(5)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)  # while cleaning up: waits its turn
            os.kill(os.getpid(), signal.SIGINT)
