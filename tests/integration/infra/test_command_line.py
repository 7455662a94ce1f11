"""A plain `pulumi up`, as an operator types it in the clone: own language host, file backend."""

import json
import subprocess

import pytest

from tests.unit.restore.points import Point

pytestmark = [pytest.mark.docker, pytest.mark.pulumi, pytest.mark.slow]


@pytest.fixture
def pulumi(clone_copy, typed_environment):
    """Runs the CLI in a folder like the clone, `packaging/` and `recovery/` beside the program."""

    def run(*words, code=0):
        argv = ["pulumi", *words, "--non-interactive"]
        done = subprocess.run(
            argv, cwd=clone_copy, env=typed_environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


@pytest.fixture
def vault(tmp_path):
    Point(tmp_path / "vault").make()
    return tmp_path / "vault"


def test_first_up_failure_repetition_and_end(pulumi, steps, package, vault, run_id, engine):
    pulumi("stack", "init", "docker")
    pulumi("config", "set", "package", str(package))
    pulumi("config", "set", "dockerRun", run_id)
    pulumi("config", "set", "dockerPrefix", run_id)

    pulumi("config", "set", "dockerNetwrk", "x")
    refused = pulumi("up", "--yes", code=1)
    assert "there is no setting recovery:dockerNetwrk; did you mean recovery:dockerNetwork?" in (
        refused
    )
    assert "Traceback" not in refused
    pulumi("config", "rm", "dockerNetwrk")

    pulumi("config", "set", "vault", str(vault))
    pulumi("config", "set", "point", "20260101T000000Z-abcdef")
    refused = pulumi("up", "--yes", code=1)
    assert "no recovery point '20260101T000000Z-abcdef'; it has 1" in refused
    assert not _machines(engine, run_id)
    pulumi("config", "rm", "point")
    assert "8 to create" in pulumi("preview")
    pulumi("config", "rm", "vault")

    steps.fail("server")
    failed = pulumi("up", "--yes", code=1)
    assert "it did not listen" in failed
    assert "next: look at its log" in failed
    steps.heal("server")
    steps.forget()

    done = pulumi("up", "--yes")
    assert steps.groups() == ["server", "collections", "proof"]
    shown = done.rpartition("\nOutputs:")[2].partition("\nResources:")[0]
    assert 'verdict       : "recovered and verified"' in shown
    assert len(shown.splitlines()) < 12, "what the steps found is not buried under JSON"
    assert "site-packages" in steps.calls()[0]["packaging"]
    outputs = json.loads(pulumi("stack", "output", "--json"))
    assert outputs["target"] == f"docker://{steps.calls()[0]['on']}"

    assert "7 unchanged" in pulumi("up", "--yes", "--expect-no-changes")
    pulumi("destroy", "--yes")
    assert not _machines(engine, run_id)


def _machines(engine, run_id):
    return engine.containers.list(ignore_removed=True, all=True, filters={"name": run_id})
