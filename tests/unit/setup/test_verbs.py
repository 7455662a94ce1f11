import os
import re
import subprocess
import sys

import pytest

from setup.__main__ import PARTS
from setup.places import CLONE


def setup(*arguments, **environ):
    return subprocess.run(
        [sys.executable, "-m", "setup", *arguments],
        cwd=CLONE,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("arguments", [["no-such-verb"], ["run"], ["run", "--"], ["all", "more"]])
def test_an_unknown_verb_is_bad_input(arguments):
    done = setup(*arguments)
    assert done.returncode == 64
    assert "python3 -m setup [VERB]" in done.stderr


def test_the_command_gets_its_arguments_environment_and_exit_code(tmp_path):
    script = 'echo "$1|$RECOVERY_BASE_IMAGE"; exit 7'
    done = setup(
        "run", "--", "sh", "-c", script, "name", "two words",
        XDG_CACHE_HOME=str(tmp_path), XDG_STATE_HOME=str(tmp_path), RECOVERY_BASE_IMAGE="mine:1",
    )  # fmt: skip
    assert done.returncode == 7
    assert done.stdout == "two words|mine:1\n"


def test_a_command_that_is_absent_says_what_to_do(tmp_path):
    done = setup("run", "--", "no-such-program-here", XDG_STATE_HOME=str(tmp_path))
    assert done.returncode == 2
    assert "make setup" in done.stderr
    assert "Traceback" not in done.stderr


def test_doctor_changes_nothing_and_names_what_is_absent(tmp_path):
    done = setup(
        "doctor",
        XDG_CACHE_HOME=str(tmp_path / "cache"),
        PATH="/nowhere",
        RECOVERY_BASE_IMAGE="",
        DOCKER_HOST="",
    )
    assert done.returncode == 2
    assert re.search(r"pulumi +absent", done.stderr)
    assert re.search(r"docker engine +absent", done.stderr)
    assert not (tmp_path / "cache").exists()


def test_every_part_has_its_line_in_the_order_of_need():
    assert [part.name for part in PARTS] == [
        "venv",
        "docker engine",
        "copy tools",
        "pulumi",
        "base image",
        "reference server",
    ]


def test_make_help_lists_the_targets_that_the_readme_names():
    done = subprocess.run(["make", "help"], cwd=CLONE, capture_output=True, text=True, check=True)
    listed = set(re.findall(r"^make (\S+)", done.stdout, re.MULTILINE))
    assert {"drill", "test", "bench", "lint", "doctor", "clean", "setup"} <= listed


def test_files_of_the_toolchain_name_no_package_registry():
    own = [
        path
        for folder in ("setup", ".ci")
        for path in (CLONE / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.name != "go.sum"
    ]
    assert len(own) > 15
    hosts = re.compile(r"(pypi|pythonhosted|proxy\.golang|deb\.debian|index\.docker)\.?(org|io)")
    found = [str(path) for path in [*own, CLONE / "Makefile"] if hosts.search(path.read_text())]
    assert found == []
