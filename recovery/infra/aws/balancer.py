"""A network load balancer before the frontend: TLS passes through, clients keep their pins."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_aws import lb


@dataclass(frozen=True)
class BalancerArgs:
    """``instance`` gets the TCP traffic of ``port``."""

    vpc: pulumi.Input[str]
    subnet: pulumi.Input[str]
    group: pulumi.Input[str]
    instance: pulumi.Input[str]
    port: int
    ipv6: bool
    tags: Mapping[str, str]


class Balancer(pulumi.ComponentResource):
    """``dns_name`` and ``zone`` are what a Route 53 alias wants; ``group``: its targets' ARN."""

    def __init__(
        self, name: str, args: BalancerArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("recovery:aws:Balancer", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        tags = dict(args.tags)
        balancer = lb.LoadBalancer(
            name,
            load_balancer_type="network",
            internal=False,
            ip_address_type="dualstack" if args.ipv6 else "ipv4",
            subnets=[args.subnet],
            security_groups=[args.group],
            tags=tags,
            opts=child,
        )
        targets = lb.TargetGroup(
            name,
            port=args.port,
            protocol="TCP",
            target_type="instance",
            vpc_id=args.vpc,
            health_check={"protocol": "TCP", "interval": 10, "healthy_threshold": 2},
            # A lost server's connections are gone already: nothing to wait for.
            deregistration_delay=0,
            tags=tags,
            opts=child,
        )
        lb.TargetGroupAttachment(
            name, target_group_arn=targets.arn, target_id=args.instance, opts=child
        )
        lb.Listener(
            name,
            load_balancer_arn=balancer.arn,
            port=args.port,
            protocol="TCP",
            default_actions=[{"type": "forward", "target_group_arn": targets.arn}],
            tags=tags,
            opts=child,
        )
        self.dns_name: pulumi.Output[str] = balancer.dns_name
        self.zone: pulumi.Output[str] = balancer.zone_id
        self.group: pulumi.Output[str] = targets.arn
        self.register_outputs({"dns_name": self.dns_name, "zone": self.zone})
