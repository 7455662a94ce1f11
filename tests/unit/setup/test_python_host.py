import os
import subprocess
import sys
from pathlib import Path

import pytest

from setup import pulumi_cli, python_host
from setup.places import PYTHON, VENV

PROGRAM = """
import os
import pulumi
from pulumi import dynamic
import beside


class Provider(dynamic.ResourceProvider):
    def create(self, props):
        if os.path.exists(props["obstacle"]):
            raise RuntimeError("the obstacle is in the way")
        return dynamic.CreateResult("made-1", outs=props)


class Made(dynamic.Resource):
    def __init__(self, name, props):
        super().__init__(Provider(), name, props)


made = Made("made", {"obstacle": pulumi.Config().require("obstacle"), "word": beside.WORD})
pulumi.export("id", made.id)
"""


def test_installs_once_and_again_when_it_changed(tmp_path):
    python_host.install(tmp_path)
    host = tmp_path / "pulumi-language-python"
    assert host.stat().st_mode & 0o111
    before = host.stat().st_mtime_ns
    python_host.install(tmp_path)
    assert host.stat().st_mtime_ns == before
    host.write_text("older")
    python_host.install(tmp_path)
    assert host.read_text() == (python_host.SOURCE / host.name).read_text()
    assert not list(tmp_path.glob(".*"))


def project_python(cwd: Path, **environ: str) -> str:
    script = python_host.SOURCE / "project-python"
    given = {"PATH": "/usr/bin:/bin", **environ}
    done = subprocess.run([script], cwd=cwd, env=given, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_takes_the_python_of_the_project(tmp_path):
    inner = tmp_path / "infra" / "deep"
    inner.mkdir(parents=True)
    assert project_python(inner) in {"/usr/bin/python3", "/bin/python3", ""}
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    assert project_python(inner) == str(python)
    active = tmp_path / "active"
    assert project_python(inner, VIRTUAL_ENV=str(active)) == str(python)


def test_takes_the_active_environment_where_the_project_has_none(tmp_path):
    python = tmp_path / "active" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    (tmp_path / "project").mkdir()
    found = project_python(tmp_path / "project", VIRTUAL_ENV=str(tmp_path / "active"))
    assert found == str(python)


@pytest.mark.pulumi
@pytest.mark.slow
def test_plain_pulumi_up_runs_fails_goes_on_and_rests(tmp_path):
    assert pulumi_cli.cli() is not None, "run `make setup`"
    project = tmp_path / "project"
    (tmp_path / "state").mkdir()
    project.mkdir()
    (project / ".venv").symlink_to(VENV)
    (project / "Pulumi.yaml").write_text("name: scratch\nruntime: python\n")
    (project / "__main__.py").write_text(PROGRAM)
    (project / "beside.py").write_text('WORD = "found beside the program"\n')
    obstacle = tmp_path / "obstacle"
    obstacle.touch()
    bin_folder = tmp_path / "bin"
    python_host.install(bin_folder)
    environ = {
        **os.environ,
        "PATH": os.pathsep.join([str(bin_folder), *pulumi_cli.path_folders(), "/usr/bin", "/bin"]),
        "PULUMI_HOME": str(tmp_path / "home"),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_BACKEND_URL": f"file://{tmp_path}/state",
        "PULUMI_CONFIG_PASSPHRASE": "for this test alone",
    }

    def pulumi(*arguments: str) -> "subprocess.CompletedProcess[str]":
        argv = ["pulumi", "--non-interactive", *arguments]
        return subprocess.run(
            argv, cwd=project, env=environ, capture_output=True, text=True, check=False
        )

    assert pulumi("stack", "init", "dev").returncode == 0
    assert pulumi("config", "set", "obstacle", str(obstacle)).returncode == 0
    failed = pulumi("up", "--yes", "--skip-preview")
    assert failed.returncode != 0
    assert "the obstacle is in the way" in failed.stdout
    obstacle.unlink()
    second = pulumi("up", "--yes", "--skip-preview")
    assert second.returncode == 0, second.stdout + second.stderr
    assert pulumi("stack", "output", "id").stdout.strip() == "made-1"
    third = pulumi("up", "--yes", "--skip-preview", "--expect-no-changes")
    assert third.returncode == 0, third.stdout + third.stderr
    (project / "beside.py").write_text('raise RuntimeError("the program itself is broken")\n')
    broken = pulumi("up", "--yes", "--skip-preview")
    assert broken.returncode != 0
    assert "the program itself is broken" in broken.stdout
    assert "unhandled" not in broken.stdout + broken.stderr
    assert PYTHON.exists()
