"""The drill's stack: the same program for the first deployment and for the rebuild."""

from pathlib import Path

from recovery.drill import name_server as dns
from recovery.drill.copies import Copies
from recovery.drill.course import Course
from recovery.drill.name_server import NameServer
from recovery.infra.update import StackRequest


def first_deployment(course: Course, server: NameServer, package: Path) -> StackRequest:
    """The production server, from its package alone."""
    return _request(course, server, {"package": str(package)})


def rebuild(
    course: Course, server: NameServer, deployment: str, copies: Copies | None = None
) -> StackRequest:
    """The same stack after the loss: now the vault is where the server comes from."""
    settings = {
        "vault": course.vault,
        "strategy": ",".join(course.options.strategy),
        "deployment": deployment,
        **({"repository": copies.repository} if copies else {}),
    }
    return _request(course, server, settings)


def spare(course: Course, server: NameServer) -> StackRequest:
    """A second machine by the same program: the package of the recovery point, service held."""
    settings = {"vault": course.vault, "standby": "true"}
    wanted = _request(course, server, settings)
    prefix = course.run.container("spare")
    own = {"dockerPrefix": prefix, "folder": str(course.run.folder / "spare-ssh"), "dns": "none"}
    return StackRequest(
        name=f"{wanted.name}-spare",
        folder=course.run.folder / "spare-stack",
        settings={**wanted.settings, **own},
        secrets=wanted.secrets,
    )


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
