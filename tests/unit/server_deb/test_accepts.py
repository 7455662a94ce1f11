import os
from dataclasses import replace
from pathlib import Path

import pytest

from server_deb import PackageError
from server_deb.accepts import refuse_unknown_settings
from server_deb.binary import Binary
from server_deb.config import read_config
from tests.unit.server_deb.material import REAL_CONFIG

CONFIG = read_config(REAL_CONFIG, "server.config.yaml")
# The words of a real 0.77.2 about such configs.
UNKNOWN = """velociraptor: error: config show: FileLoader: yaml: unmarshal errors:
  line 362: field bind_adress not found in type proto.FrontendConfig"""
WRONG = """velociraptor: error: config show: FileLoader: yaml: unmarshal errors:
  line 12: cannot unmarshal !!str `MIIEpAI...` into uint32"""


def strict(folder: Path, said: str, code: int = 1) -> Binary:
    """A program that answers so, and notes how it was asked and who could read the config."""
    path = folder / "velociraptor"
    path.write_text(
        f'#!/bin/sh\necho "$1 $3 $4" >{folder}/asked\nstat -c %a "$2" >{folder}/mode\n'
        f"cat >&2 <<'END'\n{said}\nEND\nexit {code}\n"
    )
    path.chmod(0o755)
    return Binary(path, 1, "amd64", (), ())


@pytest.fixture(autouse=True)
def _runs_here(monkeypatch):
    monkeypatch.setattr("server_deb.accepts.MACHINES", {os.uname().machine: "amd64"})


def test_a_setting_that_the_server_does_not_know_is_refused_with_its_line(tmp_path):
    with pytest.raises(PackageError, match="does not know the setting") as refused:
        refuse_unknown_settings(strict(tmp_path, UNKNOWN), CONFIG)
    assert "FrontendConfig.bind_adress" in refused.value.what
    assert refused.value.where == "server.config.yaml, line 362"
    assert refused.value.exit_code == 64
    assert (tmp_path / "asked").read_text() == "--config config show\n"
    assert (tmp_path / "mode").read_text() == "600\n"


def test_a_value_of_the_wrong_kind_is_refused_and_not_shown(tmp_path):
    with pytest.raises(PackageError, match="wrong kind") as refused:
        refuse_unknown_settings(strict(tmp_path, WRONG), CONFIG)
    assert "MIIE" not in str(refused.value)
    assert refused.value.where == "server.config.yaml, line 12"


@pytest.mark.parametrize(("said", "code"), [("", 0), ("no such command", 1)])
def test_what_says_nothing_of_settings_is_taken(tmp_path, said, code):
    refuse_unknown_settings(strict(tmp_path, said, code), CONFIG)


def test_a_binary_for_another_machine_is_not_asked(tmp_path):
    refuse_unknown_settings(replace(strict(tmp_path, UNKNOWN), architecture="arm64"), CONFIG)
    assert not (tmp_path / "asked").exists()
