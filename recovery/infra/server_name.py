"""The server's name, switched to the machine: the one step between server and collections."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi

from recovery.infra.dns_record import DnsRecord
from recovery.infra.dns_update import zone_of
from recovery.infra.machine import Machine
from recovery.infra.stack_settings import stack_label
from recovery.settings import Settings


@dataclass(frozen=True)
class ServerNameArgs:
    """``after``: what must have succeeded before clients are sent to the machine."""

    settings: Settings
    machine: Machine
    after: Sequence[pulumi.Resource] = field(default_factory=list)


class ServerName(pulumi.ComponentResource):
    """The DNS record, or nothing where the stack has none (``dns: none``).

    ``promise`` is what the proof holds the name to (``DnsFacts``): empty where there is no record.
    """

    record: DnsRecord | None = None
    promise: dict[str, pulumi.Input[Any]]

    def __init__(
        self, name: str, args: ServerNameArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("recovery:infra:ServerName", name, None, opts)
        dns = args.settings.dns
        self.promise = {}
        if dns.kind == "rfc2136":
            self.record = DnsRecord(
                name,
                {
                    "name": args.settings.name,
                    "addresses": [args.machine.address, args.machine.address6],
                    "ttl": dns.ttl,
                    "server": dns.server,
                    "zone": zone_of(args.settings.name, dns.zone),
                    "keyName": dns.key_name,
                    "keySecret": dns.key_secret.get_secret_value(),
                    "keyAlgorithm": dns.key_algorithm,
                },
                pulumi.ResourceOptions(parent=self, depends_on=list(args.after)),
            )
            self.promise = _promise(args, dns.server)
        elif dns.kind == "route53":
            self.promise = _route53(name, args, pulumi.ResourceOptions(parent=self))
        self.register_outputs({"name": args.settings.name})


def _promise(args: ServerNameArgs, nameserver: pulumi.Input[str]) -> dict[str, pulumi.Input[Any]]:
    return {
        "name": args.settings.name,
        "address": args.machine.address,
        "address6": args.machine.address6,
        "nameserver": nameserver,
    }


def _route53(
    name: str, args: ServerNameArgs, opts: pulumi.ResourceOptions
) -> dict[str, pulumi.Input[Any]]:
    from recovery.infra.aws.route53_name import Route53Name, Route53NameArgs

    settings, server = args.settings, args.machine.aws
    wanted = Route53NameArgs(
        name=settings.name,
        zone=settings.dns.zone,
        zone_id=settings.aws.zone_id,
        ttl=settings.dns.ttl,
        address=args.machine.address,
        address6=args.machine.address6,
        kinds=args.machine.publishes,
        balancer=server.balancer if server else None,
        port=settings.aws.frontend_port if settings.aws.health_check else 0,
        tags={"velociraptor-recovery.stack": stack_label()},
        after=list(args.after),
    )
    record = Route53Name(name, wanted, opts)
    promise = _promise(args, record.nameserver)
    if server and server.balancer:
        provider = pulumi.Config("aws")
        promise["balancer"] = {
            "dns_name": server.balancer.dns_name,
            "group": server.balancer.group,
            "instance": server.instance,
            "zone": record.zone,
            "region": provider.get("region") or os.environ.get("AWS_REGION", ""),
            "profile": provider.get("profile") or "",
            "kinds": list(args.machine.publishes),
        }
    return promise
