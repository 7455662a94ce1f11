"""Servers on temporary datastores, with the recorded deployment's own keys (throw-away values)."""

import copy
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from server_app.frontend import serve
from server_app.services import OrgServices, Server
from tests.unit.server_app import fuzzing

FIXTURES = Path(__file__).parents[2] / "fixtures" / "velociraptor-0.77.2"
MARKER = """\
name: Custom.Server.Marker
type: CLIENT
parameters:
  - name: Greeting
    default: hello
sources:
  - query: |
      SELECT Greeting, OS FROM info()
"""
CLIENT = "C.cad7afe0171b436e"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    fuzzing.share_out(items)


@pytest.fixture(scope="session")
def recorded() -> Path:
    """Folder of a real server's output."""
    return FIXTURES


@pytest.fixture(scope="session")
def recorded_config() -> dict[str, Any]:
    return yaml.safe_load((FIXTURES / "server.config.yaml").read_text())


@pytest.fixture
def make_server(tmp_path: Path, recorded_config: dict[str, Any]) -> Iterator[Callable[..., Server]]:
    """make_server(folder, section={…}): a started server on `tmp_path/folder`."""
    made: list[Server] = []

    def make(folder: str = "ds", start: bool = True, **sections: Any) -> Server:
        config = copy.deepcopy(recorded_config)
        config["Datastore"]["location"] = str(tmp_path / folder)
        config["Datastore"]["filestore_directory"] = str(tmp_path / folder)
        for section, values in sections.items():
            config.setdefault(section, {}).update(values)
        server = Server(config)
        if start:
            server.start()
        made.append(server)
        return server

    yield make
    for server in made:
        server.close()


@pytest.fixture
def server(make_server: Callable[..., Server]) -> Server:
    return make_server()


@pytest.fixture
def root(server: Server) -> OrgServices:
    return server.org("")


@pytest.fixture
def killed() -> Callable[[Server], None]:
    """What `kill -9` leaves: the jobs end, nothing more is written."""

    def kill(server: Server) -> None:
        for org in server.loaded():
            org._background.stop()
            org.started = False
        server.background.stop()
        server.started = False

    return kill


def place_backup(org: OrgServices, fixture: str, name: str) -> None:
    """Puts a recorded backup where restoring looks for it."""
    path = org.backups.path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(FIXTURES / fixture, path)


@pytest.fixture
def with_backup() -> Callable[[OrgServices, str, str], None]:
    return place_backup


@pytest.fixture
def imported(recorded: Path) -> Callable[..., dict[str, Any]]:
    """imported(org, "flow.zip" or a path, client_id=…): imports and keeps the log lines."""

    def run(org: OrgServices, name: str | Path, **options: Any) -> dict[str, Any]:
        path = recorded / name
        lines: list[str] = options.pop("lines", [])
        given = {"client_id": "", "hostname": "", **options}
        return org.exports.import_collection(
            lambda: path.open("rb"), display=str(path), log=lines.append, **given
        )

    return run


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@pytest.fixture
def served(make_server):
    """served(…config sections): a server that listens; `.port` of the front end."""
    stops = []

    def start(folder="ds", port=None, **sections):
        ports = {name: free_port() for name in ("Frontend", "GUI", "Monitoring")}
        ports["Frontend"] = port or ports["Frontend"]
        for name, number in ports.items():
            sections[name] = {**sections.get(name, {}), "bind_port": number}
        server = make_server(folder, **sections)
        stop, ready = threading.Event(), threading.Event()
        thread = threading.Thread(target=serve, args=(server, stop, ready.set))
        thread.start()
        stops.append((stop, thread))
        assert ready.wait(10)
        server.ports = ports

        def end():
            stop.set()
            thread.join(10)

        server.stop_serving = end
        return server

    yield start
    for stop, thread in stops:
        stop.set()
        thread.join(10)
