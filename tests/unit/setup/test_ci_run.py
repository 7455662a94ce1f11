import os
import subprocess

import pytest

from setup.places import CLONE

# Stands in for make alone: which phase fails is the input here, the script is the real one.
MAKE = """#!/bin/sh
echo "$*" >> "$CALLS"
case "$*" in *"$FAILING"*) [ -z "$FAILING" ] || exit 2 ;; esac
"""


@pytest.fixture
def ci(tmp_path):
    make = tmp_path / "make"
    make.write_text(MAKE)
    make.chmod(0o755)
    calls = tmp_path / "calls"

    def run(failing=""):
        done = subprocess.run(
            [CLONE / ".ci" / "run"],
            env={
                **os.environ,
                "PATH": f"{tmp_path}:{os.environ['PATH']}",
                "CALLS": str(calls),
                "FAILING": failing,
            },
            capture_output=True,
            text=True,
            check=False,
        )
        lines = calls.read_text().splitlines()
        return done, [line.removeprefix("--no-print-directory ").strip() for line in lines]

    return run


PHASES = [
    "setup",
    "test",
    "drill ARGS=",
    "drill ARGS=--strategy backup,collections",
    "drill ARGS=--strategy redeploy",
    "drill ARGS=--strategy datastore",
    "drill ARGS=--standby",
    "drill-aws",
]


def without_clean(calls):
    # `make clean` is called only where the virtual environment is there to run it.
    return [call for call in calls if call != "clean"]


def test_runs_every_phase_then_cleans_up_and_prints_the_times(ci):
    done, calls = ci()
    assert done.returncode == 0
    assert without_clean(calls) == [*PHASES, "stop-docker"]
    assert all(name in done.stdout for name in ("drill, strategy redeploy", "in all; passed"))


@pytest.mark.parametrize("count", range(1, len(PHASES) + 1))
def test_a_phase_that_fails_ends_it_but_not_before_the_clean_up(ci, count):
    failing = f"ory {PHASES[count - 1]}" if PHASES[count - 1] != "drill ARGS=" else "drill"
    done, calls = ci(failing)
    assert done.returncode == 2
    assert without_clean(calls) == [*PHASES[:count], "stop-docker"]
    assert "FAILED with code 2" in done.stdout


def test_an_engine_that_goes_on_running_is_a_failure(ci):
    done, calls = ci("stop-docker")
    assert done.returncode == 1
    assert calls[-1] == "stop-docker"
