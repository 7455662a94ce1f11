"""A config that binds to the lost machine's own address: no server starts with it elsewhere."""

import subprocess

import pytest

from recovery.errors import ServerError
from tests.integration.restore.conftest import fresh_machine, lost_server, until

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
        # 192.0.2.77:8000
        until(lambda: "4D0200C0:1F40" in target.run(["cat", "/proc/net/tcp"]).text)
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


SOCKET = """[Socket]
ListenStream=8000
"""


def test_a_port_that_another_program_has_is_told_before_a_name_is_switched(captured):
    with fresh_machine(captured) as fresh:
        fresh.run(f"printf '{SOCKET}' > /etc/systemd/system/taken.socket")
        fresh.run("printf '[Service]\nExecStart=/bin/true\n' > /etc/systemd/system/taken.service")
        fresh.run("systemctl start taken.socket")
        with pytest.raises(ServerError, match="port 8000 is another program's") as refused:
            fresh.restore("server")
        assert "no name was switched" in refused.value.hint
        fresh.run("systemctl stop taken.socket && systemctl restart velociraptor_server")
        outcomes = fresh.restore("server")
        assert outcomes["place the state"].status == "already done"
        assert outcomes["start the server"].status == "done"
