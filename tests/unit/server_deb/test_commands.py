import json
import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from server_deb.commands import app
from tests.unit.server_deb.material import REAL_CONFIG, TESTS, edited, program_file

RUNNER = CliRunner()


def invoke(*arguments, **how):
    return RUNNER.invoke(app, [str(argument) for argument in arguments], **how)


@pytest.fixture
def files(tmp_path):
    config = tmp_path / "server.config.yaml"
    config.write_bytes(REAL_CONFIG)
    return program_file(tmp_path), config, tmp_path / "dist"


def built(files, *more, **how):
    binary, config, output = files
    return invoke(
        "build", "--binary", binary, "--config", config, "--output", output,
        "--version", "0.77.2", *more, **how,
    )  # fmt: skip


def test_build_prints_the_path_and_the_hash(files):
    done = built(files)
    assert done.exit_code == 0, done.output
    path = files[2] / "velociraptor-server_0.77.2-1_amd64.deb"
    assert done.stdout.splitlines()[0] == f"package     {path}"
    assert done.stdout.splitlines()[1].startswith("sha256      ")


def test_build_and_inspect_agree_in_json(files):
    told = json.loads(built(files, "--json").stdout)
    shown = json.loads(invoke("inspect", "--json", told["path"]).stdout)
    for key in ("version", "architecture", "config_fingerprint", "deployment_fingerprint"):
        assert told[key] == shown[key]


def test_inspect_is_for_people_too(files):
    path = json.loads(built(files, "--json").stdout)["path"]
    text = invoke("inspect", path).stdout
    assert "velociraptor-server 0.77.2-1 for amd64" in text
    assert "ends 2036-11-20" in text
    assert "-rw-r----- root:velociraptor" in text
    assert "PRIVATE" not in text


def test_the_config_comes_on_standard_input(files):
    binary, _, output = files
    done = invoke(
        "build", "--binary", binary, "--config", "-", "--output", output, "--version", "1",
        input=REAL_CONFIG,
    )  # fmt: skip
    assert done.exit_code == 0, done.output


def test_everything_comes_by_variables(files):
    binary, _, output = files
    env = {
        "RECOVERY_PACKAGE_BINARY": str(binary),
        "RECOVERY_PACKAGE_CONFIG_CONTENT": REAL_CONFIG.decode(),
        "RECOVERY_PACKAGE_OUTPUT": str(output),
        "RECOVERY_PACKAGE_VERSION": "0.77.3",
        "RECOVERY_PACKAGE_RELEASE": "7",
        "RECOVERY_PACKAGE_COMPRESSION": "xz",
        "SOURCE_DATE_EPOCH": "1700000000",
    }
    done = invoke("build", "--json", env=env)
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["version"] == "0.77.3-7"
    assert told["config_fingerprint"]


@pytest.mark.parametrize(
    ("arguments", "env", "where"),
    [
        ([], {}, "--config"),
        (["--config", "c"], {"RECOVERY_PACKAGE_CONFIG_CONTENT": "a: 1"}, "--config (or"),
        (["--config", "/missing"], {}, "/missing"),
        (["--config", "Frontend:\n  a: 1"], {}, "--config or RECOVERY_PACKAGE_CONFIG"),
        ([], {"RECOVERY_PACKAGE_CONFIG_CONTENT": "a: 1"}, "$RECOVERY_PACKAGE_CONFIG_CONTENT"),
        ([], {"RECOVERY_PACKAGE_CONFIG_CONTENT": ""}, "$RECOVERY_PACKAGE_CONFIG_CONTENT"),
    ],
)
def test_a_config_that_can_not_be_had_is_told(files, arguments, env, where):
    done = invoke("build", "--binary", files[0], "--version", "1", "--json", *arguments, env=env)
    assert done.exit_code == 64
    error = json.loads(done.stdout)["error"]
    assert error["where"].startswith(where)
    assert error["hint"]
    assert f"next:  {error['hint']}" in done.stderr


def test_a_missing_binary_is_bad_input(files):
    done = invoke("build", "--config", files[1], "--json")
    assert done.exit_code == 64
    assert json.loads(done.stdout)["error"]["where"] == "--binary"


@pytest.mark.parametrize("epoch", ["", "yesterday", "-1", "1.5", "99999999999"])
def test_a_wrong_time_is_refused(files, epoch):
    done = built(files, env={"SOURCE_DATE_EPOCH": epoch})
    assert done.exit_code == 64
    assert "SOURCE_DATE_EPOCH" in done.stderr
    assert not files[2].exists()


def test_warnings_go_to_stderr(files):
    files[1].write_bytes(edited({"CA.private_key": None}))
    done = built(files, "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["warnings"]
    assert done.stderr.startswith("warning: CA.private_key is not in the config")


@pytest.mark.parametrize("verb", ["build", "inspect"])
def test_help_has_examples(verb):
    text = invoke(verb, "--help").stdout
    assert "Examples:" in text
    assert f"recovery package {verb}" in text


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["--help"], 0), (["build"], 64), (["build", "--nosuch"], 64), (["inspect", "/missing"], 64)],
)
def test_it_stands_alone(arguments, code):
    done = subprocess.run(
        [sys.executable, "-m", "server_deb", *arguments],
        env={**os.environ, "PYTHONPATH": str(TESTS.parent / "packaging")},
        capture_output=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
