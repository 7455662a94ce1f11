"""A captured server with two orgs, hunts, uploads and users; fresh machines to restore it on."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from recovery.capture.capture_point import capture
from recovery.capture.options import CaptureOptions
from recovery.restore.request import RestoreRequest
from recovery.restore.run_group import run_group
from recovery.target import open_target
from recovery.vault.manifest import Manifest
from recovery.vault.store import open_vault
from recovery.velociraptor.api import open_api
from recovery.velociraptor.config import ServerConfig
from recovery.velociraptor.inventory import Inventory
from recovery.velociraptor.take_inventory import take_inventory
from server_deb.build import BuildRequest, build_package
from setup import reference_server
from tests.integration.target.machines import Machine, machine, not_here
from tests.integration.verify.conftest import MERGE

CLONE = Path(__file__).parents[3]
RUN = "import sys; sys.path[:0] = ['.', 'packaging']; from recovery.cli import app; app()"
UPLOAD = """name: Custom.Test.Upload
parameters:
  - name: P
    default: /etc/hostname
sources:
  - query: SELECT upload(file=P) AS U FROM scope()
"""
ROWS = """name: Custom.Test.Rows
parameters:
  - name: N
    default: "3"
sources:
  - query: SELECT _value AS Row, N, "<&>" AS Odd FROM range(start=0, end=int(int=N), step=1)
"""
LIFE = """
SELECT artifact_set(definition=Upload, tags=["t"]).name AS A,
       artifact_set(definition=Rows).name AS B FROM scope()

SELECT label(client_id=C, labels=["prod"], op="set") AS A,
       client_set_metadata(client_id=C, metadata=dict(owner="ops")) AS B,
       server_set_metadata(metadata=dict(note="x")) AS D FROM scope()

SELECT collect_client(client_id=C, artifacts="Custom.Test.Rows", env=dict(N="7")).flow_id AS A,
       collect_client(client_id=C, artifacts="Custom.Test.Rows", env=dict(N="500")).flow_id AS B,
       collect_client(client_id=C, artifacts="Custom.Test.Upload", env=dict()).flow_id AS D
FROM scope()

SELECT hunt(description="h", artifacts="Custom.Test.Rows", expires=now()+864000,
            include_labels="prod",
            spec=dict(`Custom.Test.Rows`=dict(N="5"))).HuntId AS A FROM scope()

SELECT notebook_create(name="n", description="d").notebook_id AS A FROM scope()
""".strip().split("\n\n")
ROOT_ONLY = """
SELECT user_create(user="alice", roles=["investigator"], password=Password, orgs=["root"]) AS A,
       user_create(user="boss", roles=["administrator"], password=Password, orgs=["root"]) AS B
FROM scope()
"""
KNOWN = "SELECT client_id FROM clients() WHERE os_info.hostname AND client_id =~ '^C[.]'"
INTERROGATE = """
SELECT collect_client(client_id=client_id, artifacts="Generic.Client.Info", env=dict()) AS A
FROM clients() WHERE client_id =~ "^C[.]" AND NOT os_info.hostname
"""
IN_HUNT = "SELECT ClientId FROM hunt_flows(hunt_id=H)"
HUNT_ADD = "SELECT hunt_add(hunt_id=H, client_id=C) AS A FROM scope()"
OPEN = "SELECT session_id FROM flows(client_id=C) WHERE NOT state =~ 'FINISHED|ERROR'"
CANCEL = f"""
SELECT * FROM foreach(row={{{OPEN}}}, query={{
  SELECT cancel_flow(client_id=C, flow_id=session_id) AS A FROM scope() }})
"""
ENDED = "SELECT session_id FROM flows(client_id=C) WHERE state = 'FINISHED'"


@pytest.fixture(scope="session")
def server_binary() -> Path:
    given = os.environ.get("RECOVERY_SERVER_BINARY") or os.environ.get(reference_server.VARIABLE)
    found = Path(given) if given else reference_server.recorded()
    if found is None or not found.is_file():
        not_here("no server: set RECOVERY_SERVER_BINARY, or `make setup` for the reference one")
    return found


def until(look, push=None):
    """What ``look`` finds; ``push`` is done once, when nothing has come for half a minute.

    A busy server may miss a client that comes before all of its org's services are up: then an
    operator asks by hand.
    """
    began = time.monotonic()
    while not (found := look()):
        waited = time.monotonic() - began
        assert waited < 240, "nothing came"
        if push and waited > 30:
            push()
            push = None
        time.sleep(0.3)
    return found


@dataclass
class Captured:
    """A vault with one recovery point, and what its server was."""

    vault: Path
    manifest: Manifest
    config: ServerConfig
    clients: dict[str, str]

    def request(self, target: str, **more) -> RestoreRequest:
        usual = {
            "target": target,
            "vault": str(self.vault),
            "point": self.manifest.point,
            "strategy": ["state", "collections"],
            "client_wait": 0,
        }
        return RestoreRequest(**(usual | more))


@pytest.fixture(scope="session")
def captured(server_binary, tmp_path_factory) -> Captured:
    return lost_server(server_binary, tmp_path_factory.mktemp("captured"), live)


def lost_server(
    server_binary: Path, folder: Path, fill, before=None, more=None, **datastore
) -> Captured:
    """A server on a machine of its own, captured and gone; ``fill`` puts something on it.

    ``before`` is done on the machine before the server is installed; ``more``: settings beside
    the usual, by their sections; ``datastore``: other ones of that section.
    """
    for name in ("RECOVERY_KEYS", "RECOVERY_PASSPHRASE_FILE", "RECOVERY_VAULT"):
        os.environ.pop(name, None)
    os.environ["XDG_STATE_HOME"] = str(folder / "state")
    merge = folder / "merge.json"
    settings = {**MERGE, "Datastore": {**MERGE["Datastore"], **datastore}}
    for section, values in (more or {}).items():
        settings[section] = {**settings.get(section, {}), **values}
    merge.write_text(json.dumps(settings))
    made = subprocess.run(
        [server_binary, "config", "generate", "--merge_file", merge],
        capture_output=True,
        check=True,
    )
    config = ServerConfig.parse(made.stdout)
    package = build_package(
        BuildRequest(binary=server_binary, config=config.raw, output=folder / "package")
    )
    with machine("test-lost") as found:
        target = open_target(found.uri)
        if before:
            before(target)
        target.put(package.path, "/root/server.deb", mode=0o600)
        target.run(["dpkg", "-i", "/root/server.deb"], timeout=120)
        with open_api(target, config) as api:
            api.wait_ready(60)
            clients = fill(target, api)
        vault = folder / "vault"
        options = CaptureOptions(package=str(package.path))
        manifest = capture(target, open_vault(str(vault)), options, lambda _: None)
        target.close()
    assert manifest.gaps == []
    return Captured(vault, manifest, config, clients)


def live(target, api) -> dict[str, str]:
    api.query('SELECT org_create(name="Acme", org_id="OACME").id AS A FROM scope()', min_rows=1)
    api.query(ROOT_ONLY, env={"Password": "a-throw-away-password"}, min_rows=1)
    clients = {}
    time.sleep(3)  # an enrolment that comes before the org's own services are up is not followed
    for org in ("root", "OACME"):
        start_client(target, org)
        clients[org] = until(
            lambda org=org: api.query(KNOWN, org=org),
            lambda org=org: api.query(INTERROGATE, org=org),
        )[0]["client_id"]
        env = {"C": clients[org], "Upload": UPLOAD, "Rows": ROWS}
        for vql in LIFE:
            (row,) = api.query(vql, env=env, org=org, min_rows=1)
            assert all(row.values()), (vql, row)
        env["H"] = api.query("SELECT hunt_id FROM hunts()", org=org)[0]["hunt_id"]
        until(
            lambda org=org, env=env: api.query(IN_HUNT, env=env, org=org),
            lambda org=org, env=env: api.query(HUNT_ADD, env=env, org=org),
        )
    for org, client in clients.items():
        # The interrogation, three collections, and the hunt's.
        until(lambda org=org, client=client: api.query(ENDED, env={"C": client}, org=org)[4:])
        # A client that was asked by hand never answers the server's own question.
        if api.query(OPEN, env={"C": client}, org=org):
            api.query(CANCEL, env={"C": client}, org=org)
        until(lambda org=org, client=client: not api.query(OPEN, env={"C": client}, org=org))
    time.sleep(1)  # counts of hunts follow their flows
    return clients


def start_client(target, org) -> None:
    more = ["--org", org] if org != "root" else []
    argv = ["velociraptor", "--config", "/etc/velociraptor/server.config.yaml", "config", "client"]
    text = target.run([*argv, *more]).stdout.decode()
    lines = [
        f"  writeback_linux: /srv/{org}/writeback.yaml" if "writeback_linux" in line else line
        for line in text.splitlines()
    ]
    target.put("\n".join(lines).encode(), f"/srv/{org}/client.yaml", mode=0o600)
    unit = f"systemd-run -q --unit=client-{org} velociraptor --config /srv/{org}/client.yaml client"
    target.run(unit.split())


@dataclass
class Fresh:
    """A machine without a server, and the ways to restore onto it."""

    machine: Machine
    captured: Captured

    @property
    def uri(self) -> str:
        return self.machine.uri

    def restore(self, *groups, say=lambda _line: None, **more):
        """The groups' outcomes by step; findings are in them."""
        request = self.captured.request(self.uri, **more)
        results = [run_group(group, request, say) for group in groups or ("server", "collections")]
        return {outcome.step: outcome for result in results for outcome in result.outcomes}

    def command(self, *words: str) -> list[str]:
        vault = ["--vault", str(self.captured.vault), "--point", self.captured.manifest.point]
        to = [] if "--to" in words else ["--to", self.uri]
        return [sys.executable, "-c", RUN, "restore", *to, *vault, *words]

    def inventory(self) -> Inventory:
        target = open_target(self.uri)
        try:
            with open_api(target, self.captured.config) as api:
                api.wait_ready(60)
                return take_inventory(api, target, self.captured.config)
        finally:
            target.close()

    def query(self, vql, org="root", **env):
        target = open_target(self.uri)
        try:
            with open_api(target, self.captured.config) as api:
                api.wait_ready(60)
                return api.query(vql, env=env, org=org)
        finally:
            target.close()

    def run(self, *words: str, check=True):
        target = open_target(self.uri)
        try:
            return target.run(["bash", "-c", *words], check=check, timeout=120)
        finally:
            target.close()


@contextmanager
def fresh_machine(captured, prefix="test-restore") -> Iterator[Fresh]:
    with machine(prefix) as found:
        yield Fresh(found, captured)


@pytest.fixture
def fresh(captured) -> Iterator[Fresh]:
    with fresh_machine(captured) as made:
        yield made


def same(captured: Inventory, restored: Inventory, without=()):
    """What differs, by org and item; empty when everything is back and nothing is there twice."""
    found = {}
    for org in {*captured.orgs, *restored.orgs}:
        for item in captured.orgs.get(org, restored.orgs.get(org)):
            if item in without:
                continue
            was, now = (
                captured.orgs.get(org, {}).get(item, {}),
                restored.orgs.get(org, {}).get(item, {}),
            )
            if was != now:
                found[org, item] = {
                    "lost": sorted(was.keys() - now.keys()),
                    "added": sorted(now.keys() - was.keys()),
                    "changed": sorted(k for k in was.keys() & now.keys() if was[k] != now[k]),
                }
    return found
