"""A server with some life on it, installed from a package on a machine of its own."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from recovery.target import Target, open_target
from recovery.vault.manifest import Manifest, Package, Server, StoredObject
from recovery.velociraptor.api import open_api
from recovery.velociraptor.config import ServerConfig
from recovery.velociraptor.inventory import Inventory
from recovery.velociraptor.take_inventory import take_inventory
from server_deb.build import BuildRequest, build_package
from setup import reference_server
from tests.integration.target.machines import Machine, machine, open_ssh

MERGE = {
    "Client": {
        "server_urls": ["https://127.0.0.1:8000/"],
        "use_self_signed_ssl": True,
        "max_poll": 2,
        "max_poll_std": 1,
    },
    "Frontend": {
        "hostname": "localhost",
        "bind_address": "0.0.0.0",  # noqa: S104 - a machine of its own
        "bind_port": 8000,
    },
    "API": {"bind_address": "127.0.0.1", "bind_port": 8001, "hostname": "localhost"},
    "GUI": {"bind_address": "127.0.0.1", "public_url": "https://localhost:8889/app/index.html"},
    "Datastore": {
        "implementation": "FileBaseDataStore",
        "location": "/var/lib/velociraptor",
        "filestore_directory": "/var/lib/velociraptor",
    },
    "defaults": {"backup_period_seconds": -1},
}
ARTIFACT = """name: Custom.Test.Upload
type: CLIENT
parameters:
  - name: P
    default: /etc/hostname
sources:
  - query: SELECT upload(file=P) AS U FROM scope()
"""
LIFE = """
SELECT artifact_set(definition=Definition, tags=["t"]).name AS A,
       org_create(name="Test", org_id="OTEST").id AS B FROM scope()

SELECT user_create(user="alice", roles=["reader"], password=Password, orgs=["root"]) AS A
FROM scope()

SELECT label(client_id=C, labels=["prod"], op="set") AS A,
       client_set_metadata(client_id=C, metadata=dict(owner="ops")) AS B,
       server_set_metadata(metadata=dict(note="x")) AS D FROM scope()

SELECT hunt(description="h", artifacts="Custom.Test.Upload", expires=now()+864000,
            spec=dict(`Custom.Test.Upload`=dict(P="/etc/os-release")), timeout=300).HuntId AS A
FROM scope()

SELECT notebook_create(name="n", description="d").notebook_id AS A,
       add_client_monitoring(artifact="Generic.Client.Stats", label="prod").version AS B
FROM scope()

SELECT secret_add(name="s", type="AWS S3 Creds", secret=dict(
         region="r", credentials_key="k", credentials_secret="s")) AS A,
       inventory_add(tool="t", file="/etc/os-release", accessor="file").hash AS B FROM scope()
""".strip().split("\n\n")
START_CLIENT = "systemd-run -q --unit=client velociraptor --config /srv/client/client.yaml client"


@dataclass
class Served:
    """A machine with a running server, its configuration, and what was counted on it."""

    machine: Machine
    target: Target
    config: ServerConfig
    manifest: Manifest
    client: str

    def query(self, vql: str, org: str = "root", **env: str) -> list[dict]:
        with open_api(self.target, self.config) as api:
            api.wait_ready(60)
            return api.query(vql, env=env, org=org, min_rows=1)


@pytest.fixture(scope="session")
def server_binary() -> Path:
    given = os.environ.get("RECOVERY_SERVER_BINARY") or os.environ.get(reference_server.VARIABLE)
    found = Path(given) if given else reference_server.recorded()
    if found is None or not found.is_file():
        pytest.skip("no server: set RECOVERY_SERVER_BINARY, or `make setup` for the reference one")
    return found


@pytest.fixture(scope="session")
def config(server_binary, tmp_path_factory) -> ServerConfig:
    merge = tmp_path_factory.mktemp("config") / "merge.json"
    merge.write_text(json.dumps(MERGE))
    made = subprocess.run(
        [server_binary, "config", "generate", "--merge_file", merge],
        capture_output=True,
        check=True,
    )
    return ServerConfig.parse(made.stdout)


@pytest.fixture(scope="module")  # a module changes what another one compares
def served(server_binary, config, tmp_path_factory) -> Iterator[Served]:
    package = build_package(
        BuildRequest(
            binary=server_binary, config=config.raw, output=tmp_path_factory.mktemp("package")
        )
    )
    with machine("test-verify") as found:
        target = open_target(found.uri)
        target.put(package.path, "/root/server.deb", mode=0o600)
        target.run(["dpkg", "-i", "/root/server.deb"], timeout=120)
        with open_api(target, config) as api:
            api.wait_ready(60)
            client = _client(target, config, api)
            _live(api, client)
            _set_options(target, config)
            inventory = take_inventory(api, target, config)
        manifest = _manifest(config, package.version, inventory, server_binary)
        yield Served(found, target, config, manifest, client)
        target.close()


def _client(target, config, api) -> str:
    """A client on the same machine; its id once it is known."""
    text = target.run(
        ["sh", "-c", "velociraptor --config /etc/velociraptor/server.config.yaml config client"]
    ).stdout.decode()
    lines = [
        "  writeback_linux: /srv/client/writeback.yaml" if "writeback_linux" in line else line
        for line in text.splitlines()
    ]
    target.put("\n".join(lines).encode(), "/srv/client/client.yaml", mode=0o600)
    target.run(START_CLIENT.split())
    found = _until(
        lambda: api.query(
            "SELECT client_id FROM clients() WHERE last_interrogate_flow_id AND os_info.hostname"
        )
    )
    return found[0]["client_id"]


def _live(api, client) -> None:
    env = {"C": client, "Definition": ARTIFACT, "Password": "a-throw-away-password"}
    for vql in LIFE:
        (row,) = api.query(vql, env=env, min_rows=1)
        assert all(row.values()), (vql, row)
    _until(
        lambda: [
            row
            for row in api.query("SELECT state FROM flows(client_id=C)", env=env)
            if row["state"] == "FINISHED"
        ][1:]
    )


def _set_options(target, config) -> None:
    """What alice set for herself in the server's pages, which no query writes."""
    folder = f"{config.values['Datastore']['location']}/users/gui"
    path = f"{folder}/alice.json.db"
    target.run(["mkdir", "-p", folder])
    target.put(b'{"timezone":"Europe/Berlin"}', path, mode=0o600)
    target.run(["chown", "-R", "velociraptor:velociraptor", folder])


def _until(look):
    deadline = time.monotonic() + 90
    while not (found := look()):
        assert time.monotonic() < deadline, "nothing came"
        time.sleep(0.3)
    return found


def _manifest(config, version, inventory: Inventory, binary: Path) -> Manifest:
    now = datetime.now(UTC)
    stored = StoredObject(sha256=config.fingerprint, size=len(config.raw), name="config")
    said = subprocess.run([binary, "version"], capture_output=True, text=True, check=True).stdout
    lines = dict(line.split(": ", 1) for line in said.splitlines() if line.count(": ") == 1)
    return Manifest(
        point="test",
        captured_at=now,
        finished_at=now,
        parts=["redeploy", "state", "collections"],
        server=Server(
            kind="velociraptor",
            version=lines["version"].strip("\"'"),
            deployment=config.deployment,
            uri="test://",
            server_urls=config.server_urls,
        ),
        package=Package(
            file=stored, version=version, config_fingerprint=config.fingerprint, origin="kept"
        ),
        config=stored,
        config_newer=False,
        inventory=inventory,
    )


@pytest.fixture(params=["docker", "ssh"])
def either_way(request, served, tmp_path_factory) -> Iterator[Target]:
    """The same machine by ``docker exec`` and by SSH."""
    if request.param == "docker":
        yield served.target
        return
    way = open_ssh(served.machine, tmp_path_factory.mktemp("ssh"))
    target = open_target(way.uri)
    yield target
    target.close()
