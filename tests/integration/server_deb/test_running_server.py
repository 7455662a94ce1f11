"""The confined service with a real server in it: everything must work, not only start."""

import json
import os
import re
import time
from pathlib import Path

import pytest

from server_deb import BuildRequest
from server_deb.build import build_package
from tests.integration.server_deb import packages
from tests.integration.server_deb.machine import CONFIG, UNIT
from tests.integration.server_deb.packages import DATA

pytestmark = [pytest.mark.docker, pytest.mark.velociraptor, pytest.mark.slow]

BINARIES = {"velociraptor": "RECOVERY_SERVER_BINARY", "reference": "RECOVERY_REFERENCE_SERVER"}


@pytest.fixture(params=sorted(BINARIES))
def binary(request):
    named = os.environ.get(BINARIES[request.param])
    if not named:
        pytest.skip(f"{BINARIES[request.param]} names no {request.param} server")
    return Path(named)


def listens(machine, *ports):
    for port in ports:
        machine.wait(f"ss -Hltn 'sport = :{port}' | grep -q .", 180)


def ask(machine, vql):
    """Rows of a query by the API, as any program outside of the sandbox asks."""
    text = machine.run(f"velociraptor --api_config /home/api.yaml query --format jsonl '{vql}'")
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def with_user(machine, package):
    """Install held back, add a user, start: the order of a recovery."""
    machine.run("mkdir -p /run/velociraptor-recovery && touch /run/velociraptor-recovery/hold")
    machine.install(package)
    # As the server's user: as root these would leave files that the server can't read.
    machine.run(
        f"""
        install -d -o velociraptor /home/api
        as="runuser -u velociraptor -- velociraptor --config {CONFIG}"
        $as user add --role administrator drill password
        $as config api_client --name drill --role administrator /home/api/api.yaml
        mv /home/api/api.yaml /home/api.yaml
        """
    )
    machine.run(f"rm /run/velociraptor-recovery/hold; systemctl start {UNIT}")


def test_the_confined_server_does_its_work_on_a_low_port(machine, binary, tmp_path):
    config = packages.server_config(Frontend__bind_port=443)
    with_user(machine, packages.ours(tmp_path, binary, config=config))
    listens(machine, 443, 18001)
    assert machine.exposure() <= 2.5
    assert ask(machine, "SELECT 6 * 7 AS Answer FROM scope()") == [{"Answer": 42}]
    rows = ask(machine, 'SELECT * FROM backup(name="test")')
    assert rows
    assert machine.succeeds(f"test -s {DATA}/ds/backups/test.zip")
    assert machine.run(f"find {DATA}/ds {DATA}/logs ! -user velociraptor") == ""
    assert machine.stat(f"{DATA}/ds/backups/test.zip") == "600 velociraptor:velociraptor"


def test_the_server_follows_its_edited_config(machine, binary, tmp_path):
    machine.install(packages.ours(tmp_path / "1", binary))
    listens(machine, 18000)
    changes = f"s|: {DATA}/ds|: /data/ds|; s|bind_port: 18000|bind_port: 443|"
    machine.run(f"sed -i '{changes}' {CONFIG}; install -d -o velociraptor /data/ds")
    machine.install(packages.ours(tmp_path / "2", binary, release="2"))
    listens(machine, 443)
    machine.wait("test -e /data/ds/config/install_time.json.db", 30)


def test_a_killed_server_serves_again_soon(machine, binary, tmp_path):
    machine.install(packages.ours(tmp_path, binary))
    listens(machine, 18000)
    begin = time.monotonic()
    machine.run(f"kill -9 $(systemctl show --property MainPID --value {UNIT})")
    machine.wait(f"[ $(systemctl show --property NRestarts --value {UNIT}) = 1 ]", 60)
    listens(machine, 18000)
    assert time.monotonic() - begin < 60  # Velociraptor's own unit waits 120 s before it tries


def test_the_package_is_made_twice_as_fast_and_no_larger(tmp_path):
    if not packages.REAL_BINARY:
        pytest.skip("RECOVERY_SERVER_BINARY names no real Velociraptor")
    ours, theirs = [], []
    for turn in range(2):
        begin = time.monotonic()
        own = packages.upstream(tmp_path / f"theirs-{turn}")
        theirs.append(time.monotonic() - begin)
        begin = time.monotonic()
        request = BuildRequest(
            binary=Path(packages.REAL_BINARY),
            config=packages.server_config(),
            output=tmp_path / f"ours-{turn}",
        )
        built = build_package(request)
        ours.append(time.monotonic() - begin)
    assert built.size <= own.stat().st_size
    assert min(ours) * 2 <= min(theirs), (ours, theirs)
    assert re.fullmatch(r"\d+\.\d+\.\d+-1", built.version)
