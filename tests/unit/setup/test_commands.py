import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from setup.commands import ask, detach, run, tail
from setup.errors import SetupError
from setup.places import CLONE


def test_ask_gives_the_output_or_none():
    assert ask(["echo", "one"]) == "one"
    assert ask(["false"]) is None
    assert ask(["no-such-program-here"]) is None
    assert ask(["sleep", "5"], timeout=0.1) is None


def test_run_shows_the_end_of_the_log_and_the_hint(tmp_path):
    log = tmp_path / "logs" / "a.log"
    with pytest.raises(SetupError, match=r"(?s)code 3.*\n +last words") as caught:
        run(["sh", "-c", "echo last words; exit 3"], log=log, hint="do this next")
    assert caught.value.hint == "do this next"


def test_run_keeps_output_apart_from_the_log(tmp_path):
    log, output = tmp_path / "log", tmp_path / "out"
    run(["sh", "-c", "echo path; echo words >&2"], log=log, hint="", output=output)
    assert output.read_text() == "path\n"
    assert "words" in log.read_text()


def test_run_ends_the_whole_group_after_its_time(tmp_path):
    pid_file = tmp_path / "pid"
    script = f"sleep 60 & echo $! > {pid_file}; wait"
    with pytest.raises(SetupError):
        run(["sh", "-c", script], log=tmp_path / "log", hint="", timeout=0.5)
    assert gone(int(pid_file.read_text()))


def test_ctrl_c_leaves_nothing_going_on_in_the_background(tmp_path):
    pid_file = tmp_path / "pid"
    script = f"echo $$ > {pid_file}; exec sleep 60"
    program = (
        "import signal, sys; from pathlib import Path; from setup.commands import run;"
        "signal.signal(signal.SIGINT, signal.default_int_handler);"  # a CI may run with it ignored
        "run(['sh', '-c', sys.argv[1]], log=Path(sys.argv[2]), hint='')"
    )
    argv = [sys.executable, "-c", program, script, str(tmp_path / "log")]
    setup = subprocess.Popen(argv, cwd=CLONE, stderr=subprocess.DEVNULL)
    while not (pid_file.exists() and pid_file.read_text().endswith("\n")):
        assert setup.poll() is None
        time.sleep(0.05)
    setup.send_signal(signal.SIGINT)
    assert setup.wait(timeout=60) != 0
    assert gone(int(pid_file.read_text()))


def test_run_names_a_program_that_is_absent(tmp_path):
    with pytest.raises(SetupError, match="no-such-program-here"):
        run(["no-such-program-here"], log=tmp_path / "log", hint="")


def test_detached_command_has_its_own_session(tmp_path):
    child = detach(["sh", "-c", "echo $WORD"], log=tmp_path / "log", env={"WORD": "heard"})
    assert os.getsid(child.pid) == child.pid
    assert child.wait() == 0
    assert tail(tmp_path / "log") == "    heard"


def gone(pid: int) -> bool:
    for _ in range(50):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.1)
    return False
