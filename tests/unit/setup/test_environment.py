import os
import subprocess
from pathlib import Path

import pytest

from setup import environment
from setup.places import CLONE, VENV


@pytest.fixture
def home(tmp_path, monkeypatch):
    for name in (*NAMES, "PULUMI_CONFIG_PASSPHRASE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path


NAMES = (
    "PULUMI_HOME",
    "PULUMI_SKIP_UPDATE_CHECK",
    "PULUMI_BACKEND_URL",
    "PULUMI_CONFIG_PASSPHRASE_FILE",
    "RECOVERY_BASE_IMAGE",
)


def test_sets_what_is_absent(home):
    found = environment.variables(os.environ)
    assert set(NAMES) <= set(found)
    assert found["PULUMI_BACKEND_URL"] == f"file://{home}/state/velociraptor-recovery/pulumi"
    assert found["PATH"].split(":")[0] == str(VENV / "bin")


@pytest.mark.parametrize("name", NAMES)
def test_keeps_what_is_set(home, name):
    assert name not in environment.variables({**os.environ, name: "mine"})


def test_a_passphrase_in_the_environment_is_enough(home):
    found = environment.variables({**os.environ, "PULUMI_CONFIG_PASSPHRASE": "mine"})
    assert "PULUMI_CONFIG_PASSPHRASE_FILE" not in found
    assert "mine" not in found.values()


def test_path_names_each_of_our_folders_once(home):
    once = environment.search_path("/usr/bin:/bin")
    assert environment.search_path(once) == once


def test_passphrase_is_random_private_and_kept(home):
    path = Path(environment.prepare()["PULUMI_CONFIG_PASSPHRASE_FILE"])
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    first = path.read_text()
    assert len(first.strip()) >= 43
    environment.prepare()
    assert path.read_text() == first
    other = home / "other"
    environment.make_passphrase(other)
    assert other.read_text() != first


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_sourcing_sets_it_without_showing_the_passphrase(home, shell):
    script = '. setup/env && echo "$PULUMI_CONFIG_PASSPHRASE_FILE" && command -v python'
    done = subprocess.run(
        [shell, "-c", script], cwd=CLONE, capture_output=True, text=True, check=True
    )
    named, python = done.stdout.splitlines()
    assert Path(named).read_text().strip() not in done.stdout + done.stderr
    assert python == str(VENV / "bin" / "python")


def test_bash_may_source_it_from_anywhere(home):
    script = f". '{CLONE}/setup/env' && echo $PULUMI_HOME"
    done = subprocess.run(
        ["bash", "-c", script], cwd=home, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == f"{home}/cache/velociraptor-recovery/pulumi/home"
