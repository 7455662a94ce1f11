"""The drill's stack: the same program for the first deployment and for the rebuild."""

from pathlib import Path

from recovery.drill import name_server as dns
from recovery.drill.course import Course
from recovery.drill.name_server import NameServer
from recovery.infra.update import StackRequest


def first_deployment(course: Course, server: NameServer, package: Path) -> StackRequest:
    """The production server, from its package alone."""
    return _request(course, server, {"package": str(package)})


def rebuild(course: Course, server: NameServer, deployment: str) -> StackRequest:
    """The same stack after the loss: now the vault is where the server comes from."""
    settings = {
        "vault": course.vault,
        "strategy": ",".join(course.options.strategy),
        "deployment": deployment,
    }
    return _request(course, server, settings)


def _request(course: Course, server: NameServer, source: dict[str, str]) -> StackRequest:
    run, options = course.run, course.options
    settings = {
        "machine": "docker",
        "name": run.server_name,
        "folder": str(run.folder / "ssh"),
        "dockerImage": options.image,
        "dockerNetwork": run.prefix,
        "dockerResolver": server.address,
        "dockerPrefix": run.container("server"),
        "dockerConnect": options.connect,
        "dockerVolume": "true",
        "dockerRun": run.ident,
        "dns": "rfc2136",
        "dnsServer": server.address,
        "dnsZone": run.zone,
        "dnsTtl": str(dns.TTL),
        "dnsKeyName": server.key_name,
        "dnsKeyAlgorithm": dns.ALGORITHM,
    }
    return StackRequest(
        name=run.prefix,
        folder=run.folder / "stack",
        settings={**settings, **source},
        secrets={"dnsKeySecret": server.key_secret},
    )
