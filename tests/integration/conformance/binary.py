"""Starts one server binary, its clients and its command line, on loopback and in a folder."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc
import yaml
from pyvelociraptor import api_pb2, api_pb2_grpc

REPOSITORY = Path(__file__).parents[3]
NOISE = ("Starting query", "Time ", "DEBUG:Query Stats", "DEFAULT:Starting", "DEFAULT:Time ")


def free_ports(number: int) -> list[int]:
    held = [socket.socket() for _ in range(number)]
    for one in held:
        one.bind(("127.0.0.1", 0))
    ports = [int(one.getsockname()[1]) for one in held]
    for one in held:
        one.close()
    return ports


class Binary:
    """The reference server (``argv`` None: run from its source), or the real one."""

    def __init__(self, argv: list[str] | None, folder: Path) -> None:
        self.is_reference = argv is None
        self.argv = argv or [sys.executable, "-m", "server_app"]
        self.folder = folder
        self.ports = dict(zip(("Frontend", "API", "GUI", "Monitoring"), free_ports(4), strict=True))
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self.environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
        (folder / "logs").mkdir(parents=True)

    def command(self, *arguments: str | Path) -> str:
        """Standard output of one command. Raises CalledProcessError."""
        done = subprocess.run(
            [*self.argv, *map(str, arguments)],
            env=self.environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"{arguments}: {done.stderr[-2000:]}"
        return done.stdout

    def new_config(self, name: str, datastore: str, **changed: Any) -> Path:
        """Has the binary make a deployment: a CA and keys of its own."""
        text = self.command("config", "generate", "--merge", json.dumps(self._wanted(datastore)))
        return self.write_config(name, yaml.safe_load(text), **changed)

    def moved_config(self, config: Path, name: str, datastore: str, **changed: Any) -> Path:
        """The same deployment on another datastore."""
        document = yaml.safe_load(config.read_text())
        document["Datastore"].update(self._wanted(datastore)["Datastore"])
        return self.write_config(name, document, **changed)

    def write_config(self, name: str, document: dict[str, Any], **changed: Any) -> Path:
        for section, values in changed.items():
            document.setdefault(section, {}).update(values)
        path = self.folder / f"{name}.yaml"
        path.touch(0o600)
        path.write_text(yaml.safe_dump(document, sort_keys=False))
        return path

    def _wanted(self, datastore: str) -> dict[str, Any]:
        store = str(self.folder / datastore)
        at = {"bind_address": "127.0.0.1"}
        gui = f"https://127.0.0.1:{self.ports['GUI']}/app/index.html"
        return {
            "Client": {
                "server_urls": [f"https://127.0.0.1:{self.ports['Frontend']}/"],
                "use_self_signed_ssl": True,
                "max_poll": 1,
                "max_poll_std": 1,
                "writeback_linux": str(self.folder / "client" / "writeback.yaml"),
            },
            "Frontend": {**at, "hostname": "127.0.0.1", "bind_port": self.ports["Frontend"]},
            "API": {**at, "hostname": "127.0.0.1", "bind_port": self.ports["API"]},
            "GUI": {
                **at,
                "bind_port": self.ports["GUI"],
                "public_url": gui,
                "initial_users": [{"name": "admin"}],
            },
            "Monitoring": {**at, "bind_port": self.ports["Monitoring"]},
            "Datastore": {"location": store, "filestore_directory": store},
            "Logging": {"output_directory": str(self.folder / "logs")},
        }

    def start(self, name: str, *arguments: str | Path) -> None:
        """Starts a server or a client, known under `name` from then on."""
        with (self.folder / "logs" / f"{name}.out").open("ab") as out:
            self._running[name] = subprocess.Popen(
                [*self.argv, *map(str, arguments)],
                env=self.environment,
                cwd=self.folder,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    def stop(self, name: str, how: int = signal.SIGTERM) -> None:
        """Signals the whole group, as systemd does: the real server is two processes."""
        process = self._running.pop(name, None)
        if process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(process.pid, how)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(30)

    def stop_all(self, how: int = signal.SIGTERM) -> None:
        for name in list(reversed(self._running)):
            self.stop(name, how)

    def alive(self, name: str) -> bool:
        return self._running[name].poll() is None

    def clear(self, folder: str) -> Path:
        shutil.rmtree(self.folder / folder, ignore_errors=True)
        (self.folder / folder).mkdir(parents=True)
        return self.folder / folder


def ask(
    api_file: Path, query: str, env: dict[str, str] | None = None, org: str = ""
) -> tuple[list[dict[str, Any]], list[str], dict[str, str] | None]:
    """Rows, log lines and gRPC error of a query, through pyvelociraptor's own stubs."""
    api = yaml.safe_load(api_file.read_text())
    credentials = grpc.ssl_channel_credentials(
        root_certificates=api["ca_certificate"].encode(),
        private_key=api["client_private_key"].encode(),
        certificate_chain=api["client_cert"].encode(),
    )
    options = [
        ("grpc.ssl_target_name_override", "VelociraptorServer"),
        ("grpc.max_receive_message_length", 1 << 28),
    ]
    request = api_pb2.VQLCollectorArgs(
        Query=[api_pb2.VQLRequest(VQL=query)],
        env=[api_pb2.VQLEnv(key=key, value=value) for key, value in (env or {}).items()],
        org_id=org,
        max_row=1000,
        max_wait=1,
    )
    rows: list[dict[str, Any]] = []
    logs: list[str] = []
    with grpc.secure_channel(api["api_connection_string"], credentials, options) as channel:
        try:
            for answer in api_pb2_grpc.APIStub(channel).Query(request, timeout=60):
                if answer.Response:
                    rows += json.loads(answer.Response)
                logs += [line for line in answer.log.splitlines() if line]
        except grpc.RpcError as error:
            return [], [], {"code": str(error.code()), "details": error.details()}
    return rows, [line for line in logs if not line.startswith(NOISE)], None


def until(answer: Callable[[], Any], what: str, seconds: float = 40) -> Any:
    """The first truthy answer; fails after so many seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := answer():
            return found
        time.sleep(0.1)
    raise AssertionError(f"still not after {seconds} s: {what}")


ID_CORE = re.compile(r"(?<=[FHNC]\.)[A-Z0-9]{13}")
"""What varies in the id of a flow, hunt, notebook or cell; a hunt's flows share the hunt's."""
