"""The `host` stack, typed as in the README: machines by SSH, the name by dynamic updates.

One server is deployed, captured and lost, another machine takes its place, a client finds it.
"""

import json
import os
import secrets
import shutil
import subprocess
import time
from base64 import b64encode
from pathlib import Path

import pytest

from recovery.infra import docker_engine
from recovery.infra.dns_update import Door, look_up
from recovery.settings import base_image
from recovery.target import open_target
from recovery.velociraptor.api import open_api
from recovery.velociraptor.config import ServerConfig
from server_deb.build import BuildRequest, build_package
from setup import environment, reference_server
from tests.drills.conftest import CLONE, engine
from tests.integration.infra.conftest import KNOT, ZONE, ZONE_FILE
from tests.integration.target.machines import machine, open_ssh
from tests.integration.verify.conftest import MERGE

pytestmark = [pytest.mark.docker, pytest.mark.pulumi, pytest.mark.slow, pytest.mark.timeout(600)]

NAME = "velociraptor.example.test"
CLIENT = ["systemd-run", "-q", "--unit=client", "/root/velociraptor"]
CLIENT += ["--config", "/root/client.yaml", "client"]


@pytest.fixture
def binary():
    found = os.environ.get("RECOVERY_SERVER_BINARY") or reference_server.recorded()
    if not found:
        pytest.skip("no server: `make setup` makes the reference one")
    return Path(found)


@pytest.fixture
def config(binary, tmp_path):
    """A deployment whose clients look for the name."""
    client = {**MERGE["Client"], "server_urls": [f"https://{NAME}:8000/"]}
    (tmp_path / "merge.json").write_text(json.dumps({**MERGE, "Client": client}))
    made = subprocess.run(
        [binary, "config", "generate", "--merge_file", tmp_path / "merge.json"],
        capture_output=True,
        check=True,
    )
    return ServerConfig.parse(made.stdout)


@pytest.fixture
def knot(tmp_path):
    """A name server of the zone, and the door to it."""
    engine()
    secret = b64encode(secrets.token_bytes(32)).decode()
    with machine("test-host-dns") as made:
        target = open_target(made.uri)
        target.put(KNOT.format(secret=secret).encode(), "/etc/knot/knot.conf", mode=0o640)
        target.put(ZONE_FILE.encode(), "/var/lib/knot/example.test.zone", mode=0o644)
        target.run(["chown", "-R", "knot:knot", "/var/lib/knot", "/etc/knot"])
        target.run(["systemctl", "start", "knot"])
        target.close()
        yield Door(made.address, ZONE, "recovery", secret)


@pytest.fixture
def host(tmp_path):
    """Makes clean machines, each with an sshd under a host key known beforehand."""
    with machine("test-host-old") as old, machine("test-host-new") as new:

        def ready(which):
            folder = tmp_path / f"ssh-{which.name}"
            folder.mkdir()
            return which, open_ssh(which, folder).uri

        yield ready(old), ready(new)


@pytest.fixture
def shell(tmp_path):
    """Types a line in a copy of the clone, in a home of its own, after `. setup/env`."""
    clone, home = tmp_path / "clone", tmp_path / "home"
    home.mkdir()
    names = ("__main__.py", "Pulumi.yaml", "Pulumi.host.yaml", "pyproject.toml")
    clone.mkdir()
    for name in names:
        shutil.copy(CLONE / name, clone)
    for name in ("recovery", "packaging", "server_app", ".venv"):
        (clone / name).symlink_to(CLONE / name)
    ours = environment.variables(os.environ)
    state = {
        "HOME": str(home),
        "PULUMI_HOME": str(home / "pulumi"),
        "PULUMI_BACKEND_URL": f"file://{home}",
        "PULUMI_CONFIG_PASSPHRASE": "a passphrase",
        "XDG_STATE_HOME": str(home / "state"),
    }

    def run(line):
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=clone,
            env={**os.environ, **ours, **state},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    return run


@pytest.fixture
def client(binary, config, knot):
    """Starts a client on a machine of its own that asks this name server."""
    asked = docker_engine.Wanted(
        image=base_image(""), prefix="test-host-client", resolver=knot.server
    )
    made = docker_engine.create(asked)
    target = open_target(f"docker://{made.name}")

    def start():
        text = subprocess.run(
            [binary, "--config", "/dev/stdin", "config", "client"],
            input=config.raw,
            capture_output=True,
            check=True,
        ).stdout.decode()
        lines = [
            "  writeback_linux: /root/writeback.yaml" if "writeback_linux" in line else line
            for line in text.splitlines()
        ]
        target.put("\n".join(lines).encode(), "/root/client.yaml", mode=0o600)
        target.put(binary, "/root/velociraptor", mode=0o755)
        target.run(CLIENT)

    yield start
    target.close()
    docker_engine.remove(made.name)


def clients_of(uri, config, since=0):
    """The ids that were seen after ``since`` (µs), waited for."""
    target = open_target(uri)
    try:
        with open_api(target, config) as api:
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline:
                rows = api.query(
                    "SELECT client_id FROM clients() WHERE last_seen_at > atoi(string=T)"
                    " AND last_interrogate_flow_id",
                    env={"T": str(since)},
                )
                if rows:
                    return [row["client_id"] for row in rows]
                time.sleep(0.5)
    finally:
        target.close()
    raise AssertionError("no client came")


def test_lost_and_rebuilt_on_another_machine(binary, config, knot, host, client, shell, tmp_path):
    (old, old_uri), (new, new_uri) = host
    package = build_package(
        BuildRequest(binary=binary, config=config.raw, output=tmp_path / "package")
    ).path
    vault = tmp_path / "vault"
    shell("cp Pulumi.host.yaml Pulumi.mystack.yaml && pulumi stack init mystack")
    for key, value in {
        "hostUri": old_uri,
        "package": package,
        "name": NAME,
        "dns": "rfc2136",
        "dnsServer": knot.server,
        "dnsKeyName": knot.key_name,
    }.items():
        shell(f"pulumi config set {key} '{value}'")
    shell(f"printf %s '{knot.key_secret}' | pulumi config set --secret dnsKeySecret")
    shell("pulumi up --yes --non-interactive")
    assert look_up(knot, NAME).addresses == (old.address,)

    client()
    enrolled = clients_of(old_uri, config)
    shell(f"recovery capture --from '{old_uri}' --vault '{vault}'")
    docker_engine.remove(old.name)
    lost = int(time.time() * 1_000_000)

    shell(f"pulumi config rm package && pulumi config set vault '{vault}'")
    shell(f"pulumi config set hostUri '{new_uri}'")
    said = shell("pulumi up --yes --non-interactive")
    assert "recovered and verified" in said
    assert look_up(knot, NAME).addresses == (new.address,)
    assert clients_of(new_uri, config, since=lost) == enrolled

    again = shell("pulumi up --yes --non-interactive --expect-no-changes")
    assert "unchanged" in again
    shell("pulumi destroy --yes --non-interactive")
    assert look_up(knot, NAME) is None
    target = open_target(new_uri)
    assert target.run(["systemctl", "is-active", "velociraptor_server"]).text.strip() == "active"
    target.close()
