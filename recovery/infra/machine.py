"""The machine that the server will live on, whatever kind the stack asks for."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pulumi

from recovery.infra.docker_machine import DockerMachine
from recovery.infra.host_machine import HostMachine
from recovery.infra.ssh_access import SshAccess
from recovery.infra.ssh_keys import SshKeys
from recovery.infra.stack_settings import key_folder, stack_label
from recovery.settings import Settings, base_image

if TYPE_CHECKING:
    from recovery.infra.aws.server import AwsServer

_SSH = 22
_CLOUD_INIT = ["cloud-init", "status", "--wait"]


@dataclass(frozen=True)
class _Place:
    """What the rest of the program needs to know about a machine."""

    identity: pulumi.Output[str]
    target: pulumi.Output[str]
    address: pulumi.Output[str]
    address6: pulumi.Output[str]
    publishes: tuple[str, ...] = ("A",)
    aws: "AwsServer | None" = None


class Machine(pulumi.ComponentResource):
    """A machine reached by ``target``, at ``address`` (IPv4) and ``address6`` (may be empty).

    ``address6`` is the one to publish: empty where the frontend isn't said to listen on IPv6.

    ``identity`` changes whenever it is another machine: the steps then run again.
    ``publishes``: the kinds of records that its addresses make, ``A`` and ``AAAA``.
    """

    def __init__(
        self, name: str, args: Settings, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("recovery:infra:Machine", name, None, opts)
        place = _PLACES[args.machine](name, args, pulumi.ResourceOptions(parent=self))
        self.identity = place.identity
        self.target = place.target
        self.address = place.address
        self.address6 = place.address6
        self.publishes = place.publishes
        self.aws = place.aws
        self.register_outputs(
            {"target": self.target, "address": self.address, "address6": self.address6}
        )


def _docker(name: str, args: Settings, opts: pulumi.ResourceOptions) -> _Place:
    docker = args.docker
    machine = DockerMachine(
        name,
        {
            "image": base_image(docker.image),
            "prefix": docker.prefix,
            "network": docker.network,
            "resolver": docker.resolver,
            "volume": args.datastore if docker.volume else "",
            "labels": _labels(args),
        },
        opts,
    )
    address6 = _published6(args, machine.address6)
    inside = machine.container.apply(lambda container: f"docker://{container}")
    if docker.connect == "docker":
        return _Place(machine.id, inside, machine.address, address6, _kinds(args))
    keys = SshKeys(f"{name}-keys", opts)
    way = {"via": inside, "machine": machine.id, "address": machine.address}
    access = _ssh_access(name, args, keys, {**way, "ready": [], "patience": 60}, opts)
    return _Place(machine.id, access.target, machine.address, address6, _kinds(args))


def _aws(name: str, args: Settings, opts: pulumi.ResourceOptions) -> _Place:
    from recovery.infra.aws.server import AwsServer, AwsServerArgs

    keys = SshKeys(f"{name}-keys", opts)
    server = AwsServer(
        name, AwsServerArgs(args.aws, args.vault, args.datastore, keys, _tags(args)), opts
    )
    way = {"via": "", "machine": server.instance, "address": server.address}
    access = _ssh_access(name, args, keys, {**way, "ready": _CLOUD_INIT, "patience": 600}, opts)
    # A dual-stack load balancer takes IPv6 from clients and speaks IPv4 to the machine.
    both = server.ipv6 if server.balancer else args.dns.ipv6
    return _Place(
        server.instance,
        access.target,
        server.address,
        _published6(args, server.address6),
        publishes=("A", "AAAA") if both else ("A",),
        aws=server,
    )


def _kinds(args: Settings) -> tuple[str, ...]:
    return ("A", "AAAA") if args.dns.ipv6 else ("A",)


def _published6(args: Settings, address: pulumi.Output[str]) -> pulumi.Output[str]:
    """Nothing, unless told: a server listens on IPv4 alone by default, and a client that finds
    an AAAA record would try it first.
    """
    return address if args.dns.ipv6 else pulumi.Output.from_input("")


def _ssh_access(
    name: str,
    args: Settings,
    keys: SshKeys,
    way: dict[str, pulumi.Input[Any]],
    opts: pulumi.ResourceOptions,
) -> SshAccess:
    return SshAccess(
        f"{name}-ssh",
        {
            **way,
            "port": _SSH,
            "folder": str(key_folder(args)),
            "privateKey": keys.privateKey,
            "publicKey": keys.publicKey,
            "hostPrivateKey": keys.hostPrivateKey,
            "hostPublicKey": keys.hostPublicKey,
        },
        opts,
    )


def _labels(args: Settings) -> dict[str, str]:
    return {
        "velociraptor-recovery.stack": stack_label(),
        "velociraptor-recovery.run": args.docker.run,
    }


def _tags(args: Settings) -> dict[str, str]:
    """The labels that say something: an empty tag would only be in the way of a search."""
    return {key: value for key, value in _labels(args).items() if value}


def _host(name: str, args: Settings, opts: pulumi.ResourceOptions) -> _Place:
    uri = args.host.uri
    machine = HostMachine(name, uri, opts)
    address = args.host.address or urlsplit(uri).hostname or ""
    version6 = ":" in address
    return _Place(
        identity=machine.id,
        target=pulumi.Output.from_input(uri),
        address=pulumi.Output.from_input("" if version6 else address),
        address6=pulumi.Output.from_input(address if version6 else ""),
        publishes=("AAAA",) if version6 else ("A",),
    )


_PLACES: dict[str, Callable[[str, Settings, pulumi.ResourceOptions], _Place]] = {
    "docker": _docker,
    "host": _host,
    "aws": _aws,
}
