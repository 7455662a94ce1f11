"""Debian's own judge of packages: nothing to say but what an override gives the reason for."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.integration.server_deb import packages

pytestmark = pytest.mark.skipif(shutil.which("lintian") is None, reason="lintian is not installed")


def lint(path: Path) -> str:
    argv = ["lintian", "--fail-on", "error,warning", "--allow-root", str(path)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout


def test_lintian_is_content(tmp_path, stand_in):
    assert lint(packages.ours(tmp_path, stand_in)) == ""


@pytest.mark.parametrize("named", ["RECOVERY_SERVER_BINARY", "RECOVERY_REFERENCE_SERVER"])
def test_lintian_is_content_with_a_real_program(tmp_path, named):
    if not os.environ.get(named):
        pytest.skip(f"{named} names no server")
    assert lint(packages.ours(tmp_path, Path(os.environ[named]))) == ""


def test_lintian_would_say_so(tmp_path, stand_in):
    assert "E: " in lint(packages.lookalike(tmp_path, stand_in))


def test_every_override_has_its_reason(tmp_path, stand_in):
    files = packages.ours(tmp_path, stand_in)
    text = subprocess.run(
        ["dpkg-deb", "--fsys-tarfile", str(files)], capture_output=True, check=True
    ).stdout
    name = "./usr/share/lintian/overrides/velociraptor-server"
    shown = subprocess.run(
        ["tar", "--extract", "--to-stdout", name], input=text, capture_output=True, check=True
    ).stdout.decode()
    for paragraph in shown.strip().split("\n\n"):
        first, *rest = paragraph.splitlines()
        assert first.startswith("# "), paragraph
        assert rest, paragraph
