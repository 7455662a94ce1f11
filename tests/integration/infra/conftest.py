"""A real engine, a real name server, real containers; the recovery's own steps are a stub."""

import gc
import json
import os
import secrets
import shutil
import warnings
from base64 import b64encode
from pathlib import Path

import docker
import pytest

from recovery import commands
from recovery.errors import RecoveryError
from recovery.infra import docker_engine
from recovery.infra.dns_update import Door
from recovery.infra.workspace import CLONE, StackRequest, pulumi_folder
from recovery.settings import base_image
from tests.integration.target.machines import need_engine

ZONE = "example.test"
KNOT = """
server:
    listen: 0.0.0.0@53
key:
  - id: recovery
    algorithm: hmac-sha256
    secret: {secret}
acl:
  - id: changes
    key: recovery
    action: update
zone:
  - domain: example.test
    file: /var/lib/knot/example.test.zone
    acl: changes
"""
ZONE_FILE = """$ORIGIN example.test.
@ 60 SOA ns hostmaster 1 60 60 600 60
@ 60 NS ns
ns 60 A 127.0.0.1
velociraptor 60 A 192.0.2.1
velociraptor 60 AAAA 2001:db8::1
"""


@pytest.fixture(scope="session")
def engine():
    """The Docker engine with the base image."""
    need_engine()
    client = docker.from_env(timeout=30)
    yield client
    client.close()


@pytest.fixture
def run_id(engine):
    """A label of this test's own; whatever carries it at the end is removed."""
    name = f"test-{secrets.token_hex(4)}"
    yield name
    label = {"label": f"velociraptor-recovery.run={name}"}
    for container in engine.containers.list(ignore_removed=True, all=True, filters=label):
        container.remove(force=True, v=True)
    for volume in engine.volumes.list(filters=label):
        volume.remove(force=True)


@pytest.fixture(scope="session")
def knot(engine):
    """A name server that takes updates for example.test under a TSIG key."""
    secret = b64encode(secrets.token_bytes(32)).decode()
    made = docker_engine.create(docker_engine.Wanted(base_image(""), "test-knot"))
    try:
        put = ["docker", "exec", "-i", made.name, "tee"]
        commands.run([*put, "/etc/knot/knot.conf"], stdin=KNOT.format(secret=secret).encode())
        commands.run([*put, "/var/lib/knot/example.test.zone"], stdin=ZONE_FILE.encode())
        commands.run(["docker", "exec", made.name, "chown", "-R", "knot:knot", "/var/lib/knot"])
        commands.run(["docker", "exec", made.name, "systemctl", "start", "knot"])
        yield Door(made.address, ZONE, "recovery", secret)
    finally:
        docker_engine.remove(made.name)


@pytest.fixture
def pulumi_cli():
    """The CLI's folder. Afterwards the event loops are collected that the SDK leaves unclosed."""
    try:
        folder = pulumi_folder()
    except RecoveryError as missing:
        pytest.skip(str(missing))
    yield folder
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


class StubSteps:
    """What the stub of the steps was asked, and which group it is to fail."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def calls(self) -> list[dict]:
        path = self._folder / "calls.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def groups(self) -> list[str]:
        return [call["group"] for call in self.calls()]

    def forget(self) -> None:
        (self._folder / "calls.jsonl").unlink(missing_ok=True)

    def fail(self, group: str) -> None:
        (self._folder / f"fail-{group}").touch()

    def heal(self, group: str) -> None:
        (self._folder / f"fail-{group}").unlink()


@pytest.fixture
def steps(tmp_path, monkeypatch):
    """The stub, seen by every process that the test starts."""
    folder = tmp_path / "steps"
    folder.mkdir()
    here = Path(__file__).parent / "stub_steps"
    known = os.environ.get("PYTHONPATH", "")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(part for part in (str(here), known) if part))
    monkeypatch.setenv("STUB_STEPS", str(folder))
    return StubSteps(folder)


@pytest.fixture
def package(tmp_path):
    path = tmp_path / "server.deb"
    path.write_bytes(b"a package")
    return path


@pytest.fixture
def clone_copy(tmp_path):
    """A project folder like the clone, where the command line may write its files."""
    project = tmp_path / "clone"
    project.mkdir()
    for name in ("__main__.py", "Pulumi.yaml", "Pulumi.docker.yaml"):
        shutil.copy(CLONE / name, project / name)
    for name in ("recovery", "packaging", ".venv"):
        (project / name).symlink_to(CLONE / name)
    return project


@pytest.fixture
def stack(run_id, package, steps, pulumi_cli, tmp_path):
    """A stack of its own, for a first deployment on Docker; destroyed by the label's sweep."""
    settings = {"package": str(package), "dockerRun": run_id, "dockerPrefix": run_id}
    return StackRequest("test", tmp_path / "stack", settings)


@pytest.fixture
def said():
    return []


@pytest.fixture
def typed_environment(pulumi_cli, steps, tmp_path):
    """What `pulumi`, typed by hand, finds in its environment: a file backend of this test's own.

    ``steps`` comes first: it puts the stub there.
    """
    (tmp_path / "state").mkdir()
    return {
        **os.environ,
        "PATH": f"{pulumi_cli}:{os.environ['PATH']}",
        "PULUMI_HOME": str(tmp_path / "home"),
        "PULUMI_BACKEND_URL": f"file://{tmp_path / 'state'}",
        "PULUMI_CONFIG_PASSPHRASE": "a passphrase",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }
