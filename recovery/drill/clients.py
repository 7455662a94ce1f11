"""Endpoints as containers: the drill's own binary as client, by DNS name, each with its identity.

A client's key lives in its container's writeback file: it survives the server, as on a real
endpoint, and with it the client's id (facts: Server and clients).
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from recovery import commands
from recovery.drill import engine
from recovery.drill.name_server import NameServer
from recovery.drill.names import ORG_CLIENTS, ROOT_CLIENTS, Run
from recovery.drill.network import Isolated

ORG = "OACME"
ORG_NAME = "Acme"
EVIDENCE = "/srv/evidence.bin"
_EVIDENCE_BYTES = 256 << 10
_FOLDER = "/opt/drill"
_CONFIG = "/etc/client.config.yaml"
# resolv.conf is written by hand: engines differ in whether they forward from internal networks.
_COMMAND = (
    'printf "nameserver %s\\noptions timeout:1 attempts:2\\n" "$1" > /etc/resolv.conf && '
    f"exec {_FOLDER}/velociraptor --config {_CONFIG} client"
)


@dataclass(frozen=True)
class Endpoint:
    """A client: its host name (also the end of its container's name), and its org."""

    hostname: str
    org: str


def endpoints() -> list[Endpoint]:
    """Three of the root org, two of another."""
    root = [Endpoint(f"endpoint-{number + 1}", "root") for number in range(ROOT_CLIENTS)]
    return root + [Endpoint(f"acme-{number + 1}", ORG) for number in range(ORG_CLIENTS)]


def of_org(org: str) -> list[Endpoint]:
    """The drill's endpoints of one org."""
    return [endpoint for endpoint in endpoints() if endpoint.org == org]


def share_binary(run: Run, binary: Path, image: str, network: Isolated) -> str:
    """The binary in a volume that every client mounts read-only; the volume's name."""
    name = f"{run.prefix}-client"
    with engine.in_words(name):
        engine.engine().volumes.create(name, labels=run.labels("client"))
    # A container that is never started carries it over: the engine may be on another machine.
    spec = engine.Spec("loader", image, ["true"], network.name, volumes={name: _FOLDER})
    carrier = engine.create(run, spec, writable=True)
    try:
        engine.put_files(carrier, _FOLDER, {"velociraptor": binary}, 0o755)
    finally:
        engine.kill(carrier)
    return name


def create_clients(
    run: Run, network: Isolated, image: str, volume: str, fleet: Sequence[Endpoint]
) -> None:
    """Creates the containers of ``fleet``, with something in each that is worth uploading."""
    resolver = network.address(NameServer.HOST)

    def create(endpoint: Endpoint) -> None:
        spec = engine.Spec(
            endpoint.hostname,
            image,
            ["sh", "-c", _COMMAND, "client", resolver],
            network.name,
            volumes={volume: _FOLDER},
            hostname=endpoint.hostname,
        )
        name = engine.create(run, spec)
        engine.put_files(name, "/", {EVIDENCE[1:]: os.urandom(_EVIDENCE_BYTES)}, 0o600)

    with ThreadPoolExecutor() as pool:
        list(pool.map(create, fleet))


def root_client_config(binary: Path, server_config: Path) -> bytes:
    """`config client` for the root org; the other org's comes from the server that made it."""
    argv = [str(binary), "--config", str(server_config), "config", "client"]
    return commands.run(argv, timeout=60).stdout


def start_clients(run: Run, fleet: Sequence[Endpoint], config: bytes) -> None:
    """Starts the clients of ``fleet``, all of one org, with its client config."""

    def start(endpoint: Endpoint) -> None:
        name = run.container(endpoint.hostname)
        engine.put_files(name, "/", {_CONFIG[1:]: config}, 0o600)
        engine.start(name)

    with ThreadPoolExecutor() as pool:
        list(pool.map(start, fleet))


def restart_clients(run: Run, fleet: Sequence[Endpoint]) -> None:
    """Restarts running clients of ``fleet``, as endpoints in use have been since they enrolled.

    A real client enrols at most once a minute in one life of its process (seen; `MaybeEnrol` in
    its source): one that enrolled just before the loss would keep a server without its key waiting.
    """
    names = [run.container(endpoint.hostname) for endpoint in fleet]
    with ThreadPoolExecutor() as pool:
        list(pool.map(engine.restart, names))
