"""A regular capture by systemd on a machine of its own: installed, run by the hardened unit."""

import json
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

from recovery.capture.schedule_units import NAME
from recovery.capture.systemd_units import UNITS
from recovery.target import open_target
from recovery.vault.open import open_vault
from recovery.velociraptor.api import open_api
from recovery.velociraptor.config import ServerConfig
from server_deb.build import BuildRequest, build_package
from tests.integration.target.machines import IMAGE
from tests.integration.verify.conftest import MERGE

pytestmark = [pytest.mark.docker, pytest.mark.slow]
CLONE = Path(__file__).parents[3]
THERE = "/srv/vault"
FLAGS = ["--cap-add", "SYS_ADMIN", "--cgroupns=private", "--tmpfs", "/run", "--tmpfs", "/run/lock"]


@pytest.fixture(scope="module")
def vault(tmp_path_factory):
    return tmp_path_factory.mktemp("scheduled") / "vault"


@pytest.fixture(scope="module")
def host(server_binary, tmp_path_factory, vault):
    """A machine with systemd, a running server, this toolkit, and a vault's folder."""
    if CLONE.is_relative_to("/tmp") or CLONE.is_relative_to("/var/tmp"):
        pytest.skip("the clone lies below /tmp, which a service with a /tmp of its own can't see")
    if subprocess.run(
        ["docker", "image", "inspect", IMAGE], capture_output=True, check=False
    ).returncode:
        pytest.skip(f"no Docker engine with the image {IMAGE}")
    name = f"test-schedule-{secrets.token_hex(3)}"
    seen = {sys.base_prefix, sys.prefix, str(CLONE)}
    shared = [word for path in sorted(seen) for word in ("--volume", f"{path}:{path}:ro")]
    vault.mkdir(mode=0o700)
    shared += ["--volume", f"{vault}:{THERE}"]
    subprocess.run(
        ["docker", "run", "--detach", "--name", name, *FLAGS, *shared, IMAGE, "/sbin/init"],
        check=True,
        capture_output=True,
    )
    target = open_target(f"docker://{name}")
    try:
        merge = tmp_path_factory.mktemp("config") / "merge.json"
        merge.write_text(json.dumps(MERGE))
        made = subprocess.run(
            [server_binary, "config", "generate", "--merge_file", merge],
            capture_output=True,
            check=True,
        )
        config = ServerConfig.parse(made.stdout)
        package = build_package(
            BuildRequest(binary=server_binary, config=config.raw, output=merge.parent)
        )
        target.put(package.path, "/root/server.deb", mode=0o600)
        target.run(["systemctl", "is-system-running", "--wait"], check=False)
        target.run(["dpkg", "-i", "/root/server.deb"], timeout=120)
        with open_api(target, config) as api:
            api.wait_ready(60)
        yield target
    finally:
        target.close()
        subprocess.run(["docker", "rm", "--force", name], check=True, capture_output=True)


def recovery(host, *words, check=True):
    argv = [str(Path(sys.prefix) / "bin" / "recovery"), *words]
    return host.run(argv, timeout=300, check=check)


def test_the_timer_runs_and_its_hardened_service_captures(host, vault):
    said = recovery(
        *(host, "schedule", "install", "--from", "local://", "--vault", THERE),
        *("--every", "1h", "--jitter", "1m", "--prune"),
        *("--prometheus", "/var/lib/node-exporter/velo.prom"),
    )
    assert "next: " in said.text
    assert host.run(["systemctl", "is-enabled", f"{NAME}.timer"]).text == "enabled"
    ran = host.run(["systemctl", "start", f"{NAME}.service"], timeout=300, check=False)
    assert ran.returncode == 0, host.run(["journalctl", "-u", NAME, "-n", "40"]).text
    (point,) = open_vault(str(vault), {}).points()
    assert point.gaps == []
    assert point.state
    assert b"velociraptor_recovery_ready" in host.get("/var/lib/node-exporter/velo.prom")
    found = json.loads(recovery(host, "schedule", "show", "--json").text)
    assert found["next"]
    assert found["last"]["result"] == "success"
    assert found["last"]["ended"]


def test_the_unit_is_hardened(host):
    argv = ["systemd-analyze", "security", "--no-pager", f"{NAME}.service"]
    score = float(host.run(argv).text.rsplit("recovery-capture.service: ", 1)[1].split()[0])
    assert score < 3.0  # 2.5; root's right to read the server's files costs most of it


def test_a_unit_that_systemd_refuses_changes_nothing(host):
    before = host.get(f"{UNITS}/{NAME}.timer")
    done = recovery(
        *(host, "schedule", "install", "--from", "local://", "--vault", THERE),
        *("--on-calendar", "every full moon"),
        check=False,
    )
    assert done.returncode == 2
    assert b"cron" in done.stderr
    assert host.get(f"{UNITS}/{NAME}.timer") == before
    assert host.run(["systemctl", "is-active", f"{NAME}.timer"]).text == "active"


def test_it_is_taken_away_again(host, vault):
    assert recovery(host, "schedule", "remove").text == "removed"
    assert recovery(host, "schedule", "remove").text == "there was none"
    assert recovery(host, "schedule", "show", check=False).returncode == 1
    left = host.run(["systemctl", "list-unit-files", "--no-legend", f"{NAME}*"], check=False)
    assert left.text == ""
    assert open_vault(str(vault), {}).points()
