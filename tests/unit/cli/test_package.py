"""`recovery package build` through the recovery's own command line: a capture finds the result."""

import json

from typer.testing import CliRunner

from recovery.capture.built_packages import find_built
from recovery.cli import app
from tests.unit.server_deb.material import REAL_CONFIG, program_file


def build(tmp_path, *more):
    config = tmp_path / "server.config.yaml"
    config.write_bytes(REAL_CONFIG)
    words = ["package", "build", "--binary", program_file(tmp_path), "--config", config]
    words += ["--output", tmp_path / "dist", "--version", "0.77.2", "--json", *more]
    return CliRunner().invoke(app, [str(word) for word in words])


def test_what_was_built_is_found_by_its_deployment_and_version(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    done = build(tmp_path)
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert str(find_built(told["deployment_fingerprint"], told["version"])) == told["path"]


def test_a_state_folder_that_cant_be_written_costs_no_package(tmp_path, monkeypatch):
    (tmp_path / "state").write_text("a file, not a folder")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    done = build(tmp_path)
    assert done.exit_code == 0, done.output
