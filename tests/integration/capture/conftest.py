"""A running server with some life on it, on this machine's loopback, in a folder of its own."""

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from recovery.capture.capture_point import capture
from recovery.capture.options import CaptureOptions
from recovery.infra.docker_engine import expect
from recovery.target import open_target
from recovery.vault.open import open_vault
from recovery.velociraptor.api import open_api
from recovery.velociraptor.config import ServerConfig
from setup import reference_server
from tests.integration.target.machines import Machine, open_ssh

from .served_machine import served_machine

MOUNTED = "/srv/mounted"

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
  - query: SELECT _value AS Row, N, "<&>" AS Odd FROM range(start=0, end=7, step=1)
"""
LIFE = """
SELECT artifact_set(definition=Upload, tags=["t"]).name AS A,
       artifact_set(definition=Rows).name AS B FROM scope()

SELECT user_create(user="alice", roles=["investigator"], password=Password) AS A FROM scope()

SELECT label(client_id=C, labels=["prod"], op="set") AS A,
       client_set_metadata(client_id=C, metadata=dict(owner="ops")) AS B,
       server_set_metadata(metadata=dict(note="x")) AS D FROM scope()

SELECT collect_client(client_id=C, artifacts="Custom.Test.Rows", env=dict(N="7")).flow_id AS A,
       collect_client(client_id=C, artifacts="Custom.Test.Upload", env=dict()).flow_id AS B
FROM scope()

SELECT hunt(description="h", artifacts="Custom.Test.Rows", expires=now()+864000,
            spec=dict(`Custom.Test.Rows`=dict(N="5"))).HuntId AS A FROM scope()

SELECT notebook_create(name="n", description="d").notebook_id AS A FROM scope()
""".strip().split("\n\n")
FINISHED = "SELECT session_id FROM flows(client_id=C) WHERE state = 'FINISHED'"


@dataclass
class Running:
    """A server process and its client's, in ``folder``."""

    binary: Path
    folder: Path
    config: ServerConfig
    processes: list[subprocess.Popen] = field(default_factory=list)
    client: str = ""

    @property
    def datastore(self):
        return Path(self.config.datastore)

    def start(self, *words):
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [self.binary, *words],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        self.processes.append(process)

    def stop(self):
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def pause_clients(self, *, go_on=False):
        for process in self.processes[1:]:
            os.killpg(process.pid, signal.SIGCONT if go_on else signal.SIGSTOP)

    def query(self, vql, org="root", **env):
        with open_api(open_target("local://"), self.config) as api:
            return api.query(vql, org=org, env=env, min_rows=1)

    def options(self, **more):
        usual = {
            "config_path": str(self.folder / "server.config.yaml"),
            "binary_path": str(self.binary),
        }
        return CaptureOptions(**(usual | more))

    def capture(self, vault, say=None, **more):
        held = vault if hasattr(vault, "put") else open_vault(str(vault), {})
        target = open_target("local://")
        return capture(target, held, self.options(**more), say or (lambda _: None))

    def left_behind(self):
        """Exports and backups on the server's disk."""
        return sorted(
            str(path.relative_to(self.datastore))
            for name in ("downloads", "backups")
            for path in [*self.datastore.rglob(f"{name}/**/*")]
            if path.is_file()
        )


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def merge_for(folder):
    ports = {name: free_port() for name in ("Frontend", "API", "GUI", "Monitoring")}
    parts = {name: {"bind_address": "127.0.0.1", "bind_port": port} for name, port in ports.items()}
    parts["Frontend"] |= {"hostname": "localhost", "run_as_user": ""}
    parts["API"] |= {"hostname": "localhost"}
    parts["GUI"] |= {"public_url": f"https://localhost:{ports['GUI']}/app/index.html"}
    return parts | {
        "Client": {
            "server_urls": [f"https://localhost:{ports['Frontend']}/"],
            "use_self_signed_ssl": True,
            "max_poll": 2,
            "max_poll_std": 1,
        },
        "Datastore": {
            "implementation": "FileBaseDataStore",
            "location": str(folder / "ds"),
            "filestore_directory": str(folder / "ds"),
        },
        "Logging": {"output_directory": str(folder / "logs")},
        "defaults": {"backup_period_seconds": -1},
    }


@pytest.fixture(scope="session")
def server_binary():
    given = os.environ.get("RECOVERY_SERVER_BINARY") or os.environ.get(reference_server.VARIABLE)
    found = Path(given) if given else reference_server.recorded()
    if found is None or not found.is_file():
        pytest.skip("no server: set RECOVERY_SERVER_BINARY, or `make setup` for the reference one")
    return found


@contextmanager
def running_server(binary, folder):
    """A server whose datastore is ``folder/ds``, answering; stopped at the end."""
    (folder / "merge.json").write_text(json.dumps(merge_for(folder)))
    made = subprocess.run(
        [binary, "config", "generate", "--merge_file", folder / "merge.json"],
        capture_output=True,
        check=True,
    )
    path = folder / "server.config.yaml"
    path.touch(mode=0o600)
    path.write_bytes(made.stdout)
    running = Running(binary, folder, ServerConfig.parse(made.stdout))
    running.start("--config", str(path), "frontend")
    try:
        with open_api(open_target("local://"), running.config) as api:
            api.wait_ready(60)
        yield running
    finally:
        running.stop()
        shutil.rmtree(folder / "ds", ignore_errors=True)


@pytest.fixture(scope="session")
def server(server_binary, tmp_path_factory):
    with running_server(server_binary, tmp_path_factory.mktemp("server")) as running:
        running.query('SELECT org_create(name="Acme", org_id="OACME").id AS A FROM scope()')
        start_client(running, "root", "")
        start_client(running, "OACME", "OACME")
        live(running)
        yield running


def start_client(running, name, org):
    words = ["--org", org] if org else []
    config = str(running.folder / "server.config.yaml")
    text = subprocess.run(
        [running.binary, "--config", config, "config", "client", *words],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    writeback = running.folder / f"{name}.writeback.yaml"
    lines = [
        f"  writeback_linux: {writeback}" if "writeback_linux" in line else line
        for line in text.splitlines()
    ]
    path = running.folder / f"{name}.client.yaml"
    path.write_text("\n".join(lines))
    running.start("--config", str(path), "client")


def until(look):
    deadline = time.monotonic() + 120
    while not (found := look()):
        assert time.monotonic() < deadline, "nothing came"
        time.sleep(0.3)
    return found


def ask(running, vql, org="root", **env):
    with open_api(open_target("local://"), running.config) as api:
        return api.query(vql, org=org, env=env)


def live(running):
    known = "SELECT client_id FROM clients() WHERE last_interrogate_flow_id AND os_info.hostname"
    running.client = until(lambda: ask(running, known))[0]["client_id"]
    until(lambda: ask(running, known, "OACME"))
    env = {"C": running.client, "Upload": UPLOAD, "Rows": ROWS, "Password": "a-throw-away-one"}
    for vql in LIFE:
        (row,) = running.query(vql, **env)
        assert all(row.values()), (vql, row)
    # The interrogation, two collections, and the hunt's.
    until(lambda: ask(running, FINISHED, C=running.client)[3:])


@pytest.fixture(scope="session")
def mounted(tmp_path_factory):
    """A folder of this machine that ``host`` sees at :data:`MOUNTED`."""
    folder = tmp_path_factory.mktemp("mounted")
    (folder / "vault").mkdir(mode=0o700)
    return folder


@pytest.fixture(scope="session")
def host(server_binary, tmp_path_factory, mounted):
    """A machine with systemd, a running server and this toolkit."""
    folder = tmp_path_factory.mktemp("package")
    with served_machine(server_binary, folder, {mounted: MOUNTED}) as target:
        yield target


@pytest.fixture(scope="session")
def ssh_way(host, tmp_path_factory):
    """The way to the same machine by SSH; its host key is known."""
    name = host.uri.removeprefix("docker://")
    return open_ssh(Machine(name, expect(name).address), tmp_path_factory.mktemp("ssh"))
