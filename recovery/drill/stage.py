"""The stage of a drill: network, name server, package, endpoints; all made side by side."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from recovery.counts import things
from recovery.drill import clients, on_aws, production
from recovery.drill.aws_double import start_cloud
from recovery.drill.copies import Copies, start_copies
from recovery.drill.course import Course
from recovery.drill.name_server import NameServer, start_name_server
from recovery.drill.network import Isolated, make_network
from recovery.drill.stack import first_deployment
from recovery.infra.update import StackRequest, prepare, up
from recovery.velociraptor.config import ServerConfig


@dataclass(frozen=True)
class Stage:
    """What the play is given on. ``root_client``: the root org's client config."""

    network: Isolated
    name_server: NameServer
    config: ServerConfig
    package: Path
    stack: StackRequest
    root_client: bytes
    copies: Copies | None = None
    """Where complete copies go, with the strategy that makes them."""


def set_stage(course: Course) -> Stage:
    """Makes everything that is there before the first server.

    Raises the first error of any part, once all of them have ended.
    """
    with ThreadPoolExecutor() as pool:
        package = pool.submit(_package, course)
        network, name_server = lay_network(course)
        if course.options.on == "aws-double":
            course.cloud = start_cloud(course.run, network, name_server, course.say)
        endpoints = pool.submit(place_endpoints, course, network, clients.endpoints())
        wanted = course.options.scenario == "rehearsal" and "datastore" in course.options.strategy
        copies = start_copies(course.run, network, course.options.image) if wanted else None
        path, config, root_client = package.result()
        stack = (
            on_aws.server_stack(course, network, {"package": str(path)})
            if course.cloud
            else first_deployment(course, name_server, path)
        )
        prepare(stack)
        if course.cloud:
            up(on_aws.vault_stack(course), course.say)
        endpoints.result()
    return Stage(network, name_server, config, path, stack, root_client, copies)


def lay_network(course: Course) -> tuple[Isolated, NameServer]:
    """The isolated network, and the name server in it."""
    network = make_network(course.run, ipv6=course.options.on == "aws-double")
    course.say(f"network {network.name} · {network.subnet} · no way out")
    others = (on_aws.BALANCERS,) if course.options.on == "aws-double" else ()
    name_server = start_name_server(course.run, network, course.options.image, others)
    course.say(f"name server {name_server.address} · zone {name_server.zone}")
    return network, name_server


def place_endpoints(course: Course, network: Isolated, fleet: Sequence[clients.Endpoint]) -> None:
    """The endpoints' containers, with the binary, ready to be started."""
    run, image = course.run, course.options.image
    volume = clients.share_binary(run, course.binary, image, network)
    clients.create_clients(run, network, image, volume, fleet)
    course.say(things(len(fleet), "endpoint"))


def _package(course: Course) -> tuple[Path, ServerConfig, bytes]:
    folder = course.run.folder
    file = production.make_config(course.run, course.binary, folder)
    package = production.build_package(course.binary, file, folder)
    course.say(f"package {package.name} · {package.stat().st_size / 1e6:.0f} MB")
    config = ServerConfig.parse(file.read_bytes(), source=str(file))
    return package, config, clients.root_client_config(course.binary, file)
