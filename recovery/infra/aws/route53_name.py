"""The server's name in Route 53: taken over from the lost server, whoever's stack made it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
from pulumi_aws import route53

from recovery.infra.aws.balancer import Balancer


@dataclass(frozen=True)
class Route53NameArgs:
    """Where the name points: to addresses, or to a load balancer.

    ``zone_id``, or else ``zone`` (a name); ``ttl`` in seconds; ``kinds``: the records to
    publish, ``A`` and ``AAAA``; ``port`` of the health check, 0 for none.
    """

    name: str
    zone: str
    zone_id: str
    ttl: int
    address: pulumi.Input[str]
    address6: pulumi.Input[str]
    kinds: Sequence[str]
    balancer: Balancer | None
    port: int
    tags: Mapping[str, str]
    after: Sequence[pulumi.Resource] = field(default_factory=list)


class Route53Name(pulumi.ComponentResource):
    """A, and AAAA where asked for. ``allow_overwrite``: the lost server's record is replaced.

    ``zone``: its id; ``nameserver``: one of the zone's own.
    """

    def __init__(
        self, name: str, args: Route53NameArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("recovery:aws:Route53Name", name, None, opts)
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self, depends_on=list(args.after))
        zone = _zone(args, self)
        self.zone: pulumi.Input[str] = args.zone_id or zone.zone_id
        self.nameserver: pulumi.Output[str] = zone.name_servers.apply(lambda all_: all_[0])
        self._check = self._health_check(name) if args.port else None
        for kind in args.kinds:
            if args.balancer is not None:
                self._alias(f"{name}-{kind.lower()}", kind, args.balancer)
            else:
                address = args.address6 if kind == "AAAA" else args.address
                self._record(f"{name}-{kind.lower()}", kind, address)
        self.register_outputs({"name": args.name})

    def _record(self, name: str, kind: str, address: pulumi.Input[str]) -> None:
        route53.Record(
            name,
            zone_id=self.zone,
            name=self._args.name,
            type=kind,
            ttl=self._args.ttl,
            records=[address],
            allow_overwrite=True,
            health_check_id=self._check.id if self._check else None,
            opts=self._child,
        )

    def _alias(self, name: str, kind: str, balancer: Balancer) -> None:
        route53.Record(
            name,
            zone_id=self.zone,
            name=self._args.name,
            type=kind,
            aliases=[
                {
                    "name": balancer.dns_name,
                    "zone_id": balancer.zone,
                    "evaluate_target_health": False,
                }
            ],
            allow_overwrite=True,
            opts=self._child,
        )

    def _health_check(self, name: str) -> route53.HealthCheck:
        balancer = self._args.balancer
        return route53.HealthCheck(
            name,
            type="TCP",
            fqdn=balancer.dns_name if balancer else None,
            ip_address=None if balancer else self._args.address,
            port=self._args.port,
            request_interval=30,
            failure_threshold=3,
            tags=dict(self._args.tags),
            opts=self._child,
        )


def _zone(args: Route53NameArgs, parent: pulumi.Resource) -> pulumi.Output[route53.GetZoneResult]:
    opts = pulumi.InvokeOutputOptions(parent=parent)
    if args.zone_id:
        return route53.get_zone_output(zone_id=args.zone_id, opts=opts)
    return route53.get_zone_output(name=args.zone, private_zone=False, opts=opts)
