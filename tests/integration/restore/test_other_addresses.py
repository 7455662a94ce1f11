"""A config that binds to the lost machine's own address: no server starts with it elsewhere."""

import subprocess

import pytest

from tests.integration.restore.conftest import fresh_machine, lost_server

pytestmark = [pytest.mark.docker, pytest.mark.velociraptor, pytest.mark.slow]

ADDRESS = "192.0.2.77"


def run(*argv):
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


def test_a_server_bound_to_an_address_that_is_gone_starts_and_says_so(server_binary, tmp_path):
    def before(target):
        """One more address on the machine's interface: its own rights don't reach for that."""
        name = target.uri.removeprefix("docker://")
        pid = run("docker", "inspect", "-f", "{{.State.Pid}}", name).strip()
        run("nsenter", "-t", pid, "-n", "ip", "address", "add", f"{ADDRESS}/32", "dev", "eth0")

    def fill(target, api):
        sockets = target.run(["cat", "/proc/net/tcp"]).text
        assert "4D0200C0:1F40" in sockets  # 192.0.2.77:8000
        return {}

    bound = {"bind_address": ADDRESS}
    more = dict.fromkeys(("Frontend", "API", "GUI"), bound)
    captured = lost_server(server_binary, tmp_path, fill, before, more)
    with fresh_machine(captured) as fresh:
        outcomes = fresh.restore("server", strategy=["state"])
        findings = outcomes["install the package"].findings
        assert [finding.partition(" ")[0] for finding in findings] == [
            "Frontend.bind_address",
            "GUI.bind_address",
            "API.bind_address",
        ]
        assert all(f"{ADDRESS} is none of this machine's addresses" in one for one in findings)
        names = fresh.query("SELECT name FROM artifact_definitions() LIMIT 1")
        assert len(names) == 1
        config = fresh.run("grep -c 'bind_address: 0.0.0.0' /etc/velociraptor/server.config.yaml")
        assert config.stdout == b"1\n"
