"""The reference server under load, in multiples of a real server's recorded times.

10,000 clients and 1,000 flows, over the API as a recovery uses it; then clients of one process
enrol, each binary's own (the reference speaks a protocol of its own with its clients). With
`--server-binary` a real server goes through the same on this machine, and the multiples are of
its times; without, of the facts'.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import yaml
from pyvelociraptor import api_pb2, api_pb2_grpc

REPOSITORY = Path(__file__).parents[1]
FLOW = REPOSITORY / "tests/fixtures/velociraptor-0.77.2/flow_custom_artifact.zip"
CLIENTS = 10_000
FLOWS = 1_000
CLIENT = "C.cad7afe0171b436e"
POOL, COMPARED_POOL = 1_000, 200
"""Clients of one process; a real pool makes its keys for minutes where there are 1,000."""
ALLOWED = 3.0
MEMORY_MB = 500

REFERENCE = [sys.executable, "-m", "server_app"]
REAL_SECONDS = {
    "start, empty": 1.7,  # facts, "Server and clients": 1.7-3.3 s
    "backup() of 10,000 clients": 1.0,
    "restore of 10,000 clients": 0.48,
    "export of 111 flows": 1.1,
    "import of 100 flows": 0.41,
}
"""Facts, "Exports and imports", Timings, unless said otherwise."""


class Server:
    """A server binary in a folder of its own, on free ports of loopback."""

    def __init__(self, argv: list[str], folder: Path) -> None:
        self._argv, self._folder = argv, folder
        self._environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
        self.config = folder / "server.yaml"
        self.config.write_text(self._command("config", "generate", "--merge", self._settings()))
        api = folder / "api.yaml"
        given = ("--name", "bench", "--role", "administrator,api,org_admin", str(api))
        self._command("--config", str(self.config), "config", "api_client", *given)
        self.api: dict[str, Any] = yaml.safe_load(api.read_text())
        self._process: subprocess.Popen[bytes] | None = None

    def _settings(self) -> str:
        held = [socket.socket() for _ in range(4)]
        for one in held:
            one.bind(("127.0.0.1", 0))
        rooms = ("Frontend", "API", "GUI", "Monitoring")
        ports = {room: one.getsockname()[1] for room, one in zip(rooms, held, strict=True)}
        for one in held:
            one.close()
        store = str(self._folder / "ds")
        settings: dict[str, Any] = {
            room: {"bind_address": "127.0.0.1", "bind_port": port} for room, port in ports.items()
        }
        settings["API"]["hostname"] = "127.0.0.1"
        settings["GUI"]["public_url"] = f"https://127.0.0.1:{ports['GUI']}/app/index.html"
        settings["Client"] = {"server_urls": [f"https://127.0.0.1:{ports['Frontend']}/"]}
        settings["Datastore"] = {"location": store, "filestore_directory": store}
        settings["Logging"] = {"output_directory": str(self._folder)}
        return json.dumps(settings)

    def _command(self, *arguments: str) -> str:
        return subprocess.run(
            [*self._argv, *arguments],
            env=self._environment,
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    def start(self) -> float:
        """Seconds until the API answers."""
        begun = time.monotonic()
        self._process = subprocess.Popen(
            [*self._argv, "--config", str(self.config), "frontend"],
            env=self._environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        while True:
            with contextlib.suppress(grpc.RpcError):
                if self.rows("SELECT 1 AS x FROM scope()"):
                    return time.monotonic() - begun
            if self._process.poll() is not None or time.monotonic() - begun > 120:  # noqa: PLR2004
                raise RuntimeError("the server did not start")
            time.sleep(0.02)

    def enrol(self, number: int) -> float:
        """Seconds until so many clients of one process are enrolled and interrogated."""
        config = self._folder / "client.yaml"
        config.write_text(self._command("--config", str(self.config), "config", "client"))
        folder = self._folder / "pool"
        folder.mkdir()
        begun = time.monotonic()
        words = ("pool_client", "--number", str(number), "--writeback_dir", str(folder))
        if self._argv != REFERENCE:
            words = (*words, "--start_rate", str(number))
        pool = subprocess.Popen(
            [*self._argv, "--config", str(config), *words],
            env=self._environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            asked = "SELECT count() AS N FROM clients() WHERE os_info.system GROUP BY 1"
            while sum(row["N"] for row in self.rows(asked)) < number:
                if pool.poll() is not None or time.monotonic() - begun > 300:  # noqa: PLR2004
                    raise RuntimeError(f"{number} clients did not enrol")
                time.sleep(0.5)
            return time.monotonic() - begun
        finally:
            pool.terminate()
            pool.wait(60)

    def stop(self) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGTERM)
            self._process.wait(60)
            self._process = None

    def peak_megabytes(self) -> float:
        """Most memory that the server's processes have held so far."""
        assert self._process is not None  # noqa: S101
        total = 0
        for status in Path("/proc").glob("[0-9]*/status"):
            with contextlib.suppress(OSError, ProcessLookupError):
                if os.getpgid(int(status.parent.name)) == self._process.pid:
                    fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
                    total += int(fields.get("VmHWM", "0 kB").split()[0])
        return total / 1024

    def rows(self, query: str, **env: str) -> list[dict[str, Any]]:
        """All rows of a query. Raises grpc.RpcError."""
        credentials = grpc.ssl_channel_credentials(
            root_certificates=self.api["ca_certificate"].encode(),
            private_key=self.api["client_private_key"].encode(),
            certificate_chain=self.api["client_cert"].encode(),
        )
        options = [
            ("grpc.ssl_target_name_override", "VelociraptorServer"),
            ("grpc.max_receive_message_length", 1 << 28),
        ]
        request = api_pb2.VQLCollectorArgs(
            Query=[api_pb2.VQLRequest(VQL=query)],
            env=[api_pb2.VQLEnv(key=key, value=value) for key, value in env.items()],
            max_row=1000,
            max_wait=1,
        )
        address = self.api["api_connection_string"]
        with grpc.secure_channel(address, credentials, options) as channel:
            answers = api_pb2_grpc.APIStub(channel).Query(request, timeout=600)
            return [row for one in answers if one.Response for row in json.loads(one.Response)]


def timed(server: Server, query: str, count: int, **env: str) -> float:
    """Seconds of a query that has to give so many rows."""
    begun = time.monotonic()
    found = server.rows(query, **env)
    if len(found) != count:
        raise RuntimeError(f"{count} rows expected of {query}, {len(found)} came: {found[:3]}")
    return time.monotonic() - begun


def measure(argv: list[str]) -> Iterator[tuple[str, float]]:
    """(what, seconds) one after another; last, ("memory", megabytes)."""
    with tempfile.TemporaryDirectory(prefix="reference-server-") as folder:
        server = Server(argv, Path(folder))
        try:
            yield "start, empty", server.start()
            make = (
                "SELECT client_create(client_id=format(format='C.%016x', args=_value + 4096), "
                "hostname=format(format='h%d', args=_value)) AS c FROM range(start=0, end=N)"
            )
            made = make.replace("end=N", f"end={CLIENTS}")
            yield "client_create() of 10,000 clients", timed(server, made, CLIENTS)
            yield "clients() of 10,000", timed(server, "SELECT * FROM clients()", CLIENTS)
            backup = "SELECT * FROM backup(name='bench') WHERE Name =~ 'BackupService'"
            yield "backup() of 10,000 clients", timed(server, backup, 1)
            restore = "SELECT * FROM backup_restore(name='bench', providers='ClientInfo')"
            yield "restore of 10,000 clients", timed(server, restore, 1)
            import_ = (
                f"SELECT import_collection(filename=F, client_id='{CLIENT}').session_id AS s "
                "FROM range(start=0, end=N) WHERE s"
            )
            hundred = import_.replace("end=N", "end=100")
            yield "import of 100 flows", timed(server, hundred, 100, F=str(FLOW))
            rest = import_.replace("end=N", f"end={FLOWS - 100}")
            yield "import of 900 more flows", timed(server, rest, FLOWS - 100, F=str(FLOW))
            flows = f"SELECT session_id FROM flows(client_id='{CLIENT}')"
            yield "flows() of 1,000", timed(server, flows, FLOWS)
            export = (
                f"SELECT create_flow_download(client_id='{CLIENT}', flow_id=session_id, "
                f"wait=TRUE) AS e FROM flows(client_id='{CLIENT}') LIMIT 111"
            )
            yield "export of 111 flows", timed(server, export, 111)
            peak = server.peak_megabytes()
            server.stop()
            yield "start, 10,000 clients and 1,000 flows", server.start()
            yield (
                "clients() after that start",
                timed(server, "SELECT client_id FROM clients()", CLIENTS + 1),
            )
            yield "memory", max(peak, server.peak_megabytes())
        finally:
            server.stop()
    for number in (COMPARED_POOL, POOL) if argv == REFERENCE else (COMPARED_POOL,):
        with tempfile.TemporaryDirectory(prefix="reference-server-") as folder:
            server = Server(argv, Path(folder))
            try:
                server.start()
                yield f"{number} clients of one process enrol", server.enrol(number)
                yield f"memory with {number} clients", server.peak_megabytes()
            finally:
                server.stop()


def run(rounds: int = 1, binary: Path | None = None) -> Iterator[str]:
    """Lines of seconds and multiples; `binary`: a real server to measure first.

    `rounds` isn't used: one round takes half a minute.
    """
    del rounds
    real, whose = dict(REAL_SECONDS), "the real server's recorded ones"
    if binary:
        real, whose = dict(measure([str(binary.resolve())])), f"{binary.name}'s here"
        for what, value in real.items():
            yield f"real: {what}: {value:.2f} {'MB' if 'memory' in what else 's'}"
    for what, value in measure(REFERENCE):
        if "memory" in what:
            fits = "" if value < MEMORY_MB else ": TOO MUCH"
            yield f"{what}: at most {value:.0f} MB of {MEMORY_MB} MB{fits}"
        elif what in real:
            ratio = value / real[what]
            fits = "" if ratio <= ALLOWED else ": TOO SLOW"
            yield f"{what}: {value:.2f} s, {ratio:.2f} x {whose}{fits}"
        else:
            yield f"{what}: {value:.2f} s"


if __name__ == "__main__":
    given = Path(sys.argv[1]) if sys.argv[1:] else None
    for text in run(binary=given):
        print(text, flush=True)
