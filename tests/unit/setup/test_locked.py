import os
import subprocess
import sys
import time

from setup.places import CLONE

PROGRAM = """
import sys, time
from setup.locked import one_at_a_time
with one_at_a_time():
    print("in", flush=True)
    time.sleep(float(sys.argv[1]))
"""


def begin(cache, duration):
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, duration],
        cwd=CLONE,
        env={**os.environ, "XDG_CACHE_HOME": str(cache)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_second_setup_waits_and_says_for_whom(tmp_path):
    first = begin(tmp_path, "1")
    assert first.stdout.readline() == "in\n"
    since = time.monotonic()
    _, words = begin(tmp_path, "0").communicate(timeout=20)
    assert time.monotonic() - since > 0.5
    assert f"pid {first.pid}" in words
    first.communicate(timeout=20)


def test_lock_of_a_killed_setup_is_free(tmp_path):
    first = begin(tmp_path, "60")
    assert first.stdout.readline() == "in\n"
    first.kill()
    first.communicate()
    printed, words = begin(tmp_path, "0").communicate(timeout=20)
    assert (printed, words) == ("in\n", "")
