"""A server, its spare and an endpoint, each on a machine of its own, in a network of their own.

The spare's `velociraptor` has another uid than the server's. The endpoint finds the server by a
name in its /etc/hosts: that file is the switch, and what moves is a real client.
"""

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import docker
import pytest

from recovery.capture.capture_point import capture
from recovery.capture.options import CaptureOptions
from recovery.infra.docker_engine import Wanted, create, expect, remove
from recovery.restore.hold_service import release_argv
from recovery.standby.init_pair import init_pair
from recovery.standby.pair import Pair
from recovery.target import Target, open_target
from recovery.vault.shelf_vault import ShelfVault
from recovery.vault.store import open_vault
from recovery.velociraptor.api import open_api
from recovery.velociraptor.config import SERVICE, ServerConfig
from server_deb.build import BuildRequest, build_package
from setup import reference_server
from tests.integration.target.machines import IMAGE, Machine, need_engine, open_ssh
from tests.integration.verify.conftest import MERGE

LONG = pytest.mark.skipif(
    not os.environ.get("RECOVERY_STANDBY"), reason="waits for deadlines: `make standby` runs it"
)
NAME = "velo.test"
CLONE = Path(__file__).parents[3]
RUN = "import sys; sys.path[:0] = ['.', 'packaging']; from recovery.cli import app; app()"
KNOWN = "SELECT client_id FROM clients() WHERE last_interrogate_flow_id AND os_info.hostname"
ASK_AGAIN = """
SELECT collect_client(client_id=client_id, artifacts="Generic.Client.Info", env=dict()) AS A
FROM clients() WHERE client_id =~ "^C[.]" AND NOT os_info.hostname
"""
COLLECT = """
SELECT collect_client(client_id=C, artifacts='Custom.Test.Rows', env=dict()).flow_id AS F
FROM scope()
"""
ROWS = """name: Custom.Test.Rows
sources:
  - query: SELECT _value AS Row FROM range(start=0, end=9, step=1)
"""


@dataclass
class HostsFile:
    """A switch: the endpoint's own /etc/hosts."""

    endpoint: Target
    name: str = f"{NAME} (hosts)"
    ttl: int = 0

    def current(self) -> str:
        lines = self.endpoint.get("/etc/hosts").decode().splitlines()
        return next((line.split()[0] for line in lines if line.endswith(f" {NAME}")), "")

    def to(self, address: str) -> None:
        # The engine mounts the file: it can be written, not replaced.
        words = (
            'grep -v " $2\\$" /etc/hosts > /tmp/h; echo "$1 $2" >> /tmp/h; cat /tmp/h > /etc/hosts'
        )
        self.endpoint.run(["sh", "-c", words, "switch", address, NAME])


@dataclass
class Scene:
    """All of it. ``one`` served first."""

    one: str
    two: str
    vault: ShelfVault
    config: ServerConfig
    pair: Pair
    switch: HostsFile
    network: str
    client: str
    addresses: dict[str, str]
    uris: dict[str, str]
    """How the operator reaches each: by the engine, or by SSH (a cut is then one for him, too)."""
    said: list[str] = field(default_factory=list)

    def say(self, line: str) -> None:
        self.said.append(line)

    def run(self, name, *words, check=True):
        target = open_target(f"docker://{name}")
        try:
            return target.run(["bash", "-c", *words], check=check, timeout=120).text
        finally:
            target.close()

    def serves(self) -> list[str]:
        """The machines whose service runs."""
        states = {
            name: self.run(name, f"systemctl is-active {SERVICE} || :")
            for name in (self.one, self.two)
        }
        return [name for name, state in states.items() if state == "active"]

    def query(self, name, vql, **env):
        target = open_target(f"docker://{name}")
        try:
            with open_api(target, self.config) as api:
                api.wait_ready(60)
                return api.query(vql, env=env, min_rows=1)
        finally:
            target.close()

    def collect(self, name) -> str:
        """A finished flow of the endpoint; its id."""
        flow = self.query(name, COLLECT, C=self.client)[0]["F"]
        ended = "SELECT state FROM flows(client_id=C, flow_id=F)"
        until(lambda: self.query(name, ended, C=self.client, F=flow)[0]["state"] == "FINISHED")
        return flow

    def flows(self, name) -> set[str]:
        rows = self.query(name, "SELECT session_id FROM flows(client_id=C)", C=self.client)
        return {row["session_id"] for row in rows}

    def cut(self, name) -> None:
        """Off the network; the operator's own way (the engine) stays."""
        client = docker.from_env()
        client.networks.get(self.network).disconnect(name)
        client.close()

    def mend(self, name) -> None:
        client = docker.from_env()
        client.networks.get(self.network).connect(name, ipv4_address=self.addresses[name])
        client.close()

    def command(self, *words) -> "subprocess.Popen[bytes]":
        argv = [sys.executable, "-c", RUN, "standby", *words, "--vault", self.vault.uri]
        return subprocess.Popen(
            argv, cwd=CLONE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ
        )


def until(look, seconds=90):
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, "nothing came"
        time.sleep(0.2)
    return found


@pytest.fixture(scope="session")
def server_binary() -> Path:
    given = os.environ.get("RECOVERY_SERVER_BINARY") or os.environ.get(reference_server.VARIABLE)
    found = Path(given) if given else reference_server.recorded()
    if found is None or not found.is_file():
        pytest.skip("no server: set RECOVERY_SERVER_BINARY, or `make setup` for the reference one")
    return found


@pytest.fixture(scope="session")
def network() -> Iterator[str]:
    need_engine()
    client = docker.from_env(timeout=60)
    pool = docker.types.IPAMPool(
        subnet=f"10.{secrets.randbelow(60) + 130}.{secrets.randbelow(250)}.0/24"
    )
    made = client.networks.create(
        f"test-standby-{secrets.token_hex(3)}", ipam=docker.types.IPAMConfig(pool_configs=[pool])
    )
    yield made.name
    made.remove()
    client.close()


@pytest.fixture(scope="module")
def scene(request, server_binary, network, tmp_path_factory) -> Iterator[Scene]:
    """With ``BY_SSH = True`` in the module, the pair is reached by SSH."""
    folder = tmp_path_factory.mktemp("standby")
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        for name in ("RECOVERY_KEYS", "RECOVERY_PASSPHRASE_FILE", "RECOVERY_VAULT"):
            patch.delenv(name, raising=False)
        patch.setenv("XDG_STATE_HOME", str(folder / "state"))
        merge = {
            **MERGE,
            "Client": {**MERGE["Client"], "server_urls": [f"https://{NAME}:8000/"]},
            # Tests tell memory from disk: the list is not written in between, however long it is.
            "Frontend": {**MERGE["Frontend"], "resources": {"client_info_write_time": 7200}},
        }
        made = subprocess.run(
            [server_binary, "config", "generate", "--merge", json.dumps(merge)],
            capture_output=True,
            check=True,
        )
        config = ServerConfig.parse(made.stdout)
        package = build_package(
            BuildRequest(binary=server_binary, config=config.raw, output=folder / "package")
        )
        names = []
        for role in ("one", "two", "endpoint"):
            found = create(Wanted(image=IMAGE, prefix=f"test-standby-{role}", network=network))
            stack.callback(remove, found.name)
            names.append(found.name)
        addresses = {name: expect(name).address for name in names}
        targets = [open_target(f"docker://{name}") for name in names]
        for target in targets:
            stack.callback(target.close)
        server, spare, endpoint = targets
        spare.run(["useradd", "--system", "someone-else"])
        server.put(package.path, "/root/server.deb", mode=0o600)
        server.run(["dpkg", "-i", "/root/server.deb"], timeout=120)
        switch = HostsFile(endpoint)
        switch.to(addresses[names[0]])
        vault = open_vault(str(folder / "vault"))
        with open_api(server, config) as api:
            api.wait_ready(60)
            vql = "SELECT artifact_set(definition=D).name AS A FROM scope()"
            api.query(vql, env={"D": ROWS}, min_rows=1)
            _endpoint(server, endpoint, server_binary)
            client = _introduced(api)
        options = CaptureOptions(strategy=["redeploy", "state"], package=str(package.path))
        capture(server, vault, options, lambda _line: None)
        uris = {name: target.uri for name, target in zip(names, targets, strict=True)}
        if getattr(request.module, "BY_SSH", False):
            for name in names[:2]:
                own = folder / name
                own.mkdir()
                uris[name] = open_ssh(Machine(name, addresses[name]), own).uri
        pair = init_pair(vault, uris[names[0]], uris[names[1]], lambda _line: None)
        found = (config, pair, switch, network, client, addresses, uris)
        yield Scene(names[0], names[1], vault, *found)


def _introduced(api) -> str:
    """The endpoint's id, once the server knows what it is.

    A real server that has just started may miss the end of the first interrogation (seen on
    0.77.2, on a busy machine): it is asked once more then.
    """
    deadline = time.monotonic() + 30
    while not api.query(KNOWN) and time.monotonic() < deadline:
        time.sleep(0.2)
    api.query(ASK_AGAIN)
    return until(lambda: api.query(KNOWN))[0]["client_id"]


def _endpoint(server, endpoint, binary) -> None:
    argv = ["velociraptor", "--config", "/etc/velociraptor/server.config.yaml", "config", "client"]
    endpoint.put(binary, "/usr/local/bin/velociraptor", mode=0o755)
    endpoint.put(server.run(argv).stdout, "/srv/client.yaml", mode=0o600)
    unit = "systemd-run -q --unit=endpoint velociraptor --config /srv/client.yaml client"
    endpoint.run(unit.split())


@pytest.fixture
def back_to_one(scene):
    """Each test begins with the first machine serving."""
    yield
    from recovery.standby.failback import failback
    from recovery.standby.pair import who_serves

    if who_serves(scene.vault, scene.pair)[1].uri != scene.uris[scene.one]:
        failback(scene.vault, scene.pair, scene.switch, scene.say)
    elif scene.serves() != [scene.one]:
        open_target(f"docker://{scene.one}").run(release_argv())
        scene.query(scene.one, "SELECT 1 AS Ready FROM scope()")
