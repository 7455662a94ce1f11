import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest

from setup import engine
from setup.errors import SetupError


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


def test_a_pid_that_belongs_to_someone_else_is_not_ours(cache):
    engine.pidfile().write_text(f"{os.getpid()}\n")
    assert engine.own_pid() is None
    assert engine.stop() is False
    assert engine.stop_unless_used() == "none was started by setup; nothing to stop"


@pytest.mark.parametrize("text", ["", "not a number", "4194305"])
def test_a_stale_pid_file_means_no_engine_of_ours(cache, text):
    engine.pidfile().write_text(text)
    assert engine.own_pid() is None


def test_ends_the_process_that_names_our_pid_file(cache):
    # Any process counts that was started with `--pidfile <ours>`, as dockerd is.
    child = subprocess.Popen(["sh", "-c", "exec sleep 60", "--pidfile", str(engine.pidfile())])
    other = subprocess.Popen(
        ["bash", "-c", "sleep 60; true", "dockerd", "--pidfile", str(engine.pidfile())]
    )
    try:
        engine.pidfile().write_text(str(other.pid))
        command_line = Path(f"/proc/{other.pid}/cmdline")
        while not command_line.read_bytes():  # for a moment empty, while the program is loaded
            time.sleep(0.01)
        assert engine.own_pid() == other.pid
        assert engine.stop() is True
        assert other.wait(timeout=5) != 0
        assert child.poll() is None, "only the process of the pid file is ended"
    finally:
        for each in (child, other):
            each.kill()
            each.wait()


@pytest.mark.skipif(shutil.which("docker") is None, reason="no docker command")
def test_a_given_engine_that_does_not_answer_is_refused_not_replaced(monkeypatch):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        host = f"tcp://127.0.0.1:{listener.getsockname()[1]}"
    monkeypatch.setenv("DOCKER_HOST", host)
    with pytest.raises(SetupError, match=host) as caught:
        engine.find()
    assert "unset DOCKER_HOST" in caught.value.hint


@pytest.mark.docker
def test_finds_the_engine_that_answers():
    found = engine.find()
    assert found is not None
    assert "storage " in found


@pytest.mark.docker
def test_does_not_stop_an_engine_that_it_did_not_start(cache):
    assert engine.stop_unless_used() == "none was started by setup; nothing to stop"
    assert engine.find() is not None
