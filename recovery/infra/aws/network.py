"""Where the server stands: a given subnet, or a VPC of its own with one public subnet."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_aws import ec2
from pulumi_aws.get_availability_zones import get_availability_zones_output

from recovery.aws_settings import AwsSettings

_RANGE = "10.77.0.0/24"


@dataclass(frozen=True)
class NetworkArgs:
    """The settings, and the tags that everything gets."""

    settings: AwsSettings
    tags: Mapping[str, str]


class Network(pulumi.ComponentResource):
    """``vpc``, ``subnet`` and its availability ``zone``; ``ipv6`` tells whether it has IPv6."""

    def __init__(
        self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("recovery:aws:Network", name, None, opts)
        if args.settings.vpc:
            self._adopt(args.settings)
        else:
            self._make(name, dict(args.tags))
        self.register_outputs({"vpc": self.vpc, "subnet": self.subnet, "zone": self.zone})

    def _adopt(self, settings: AwsSettings) -> None:
        found = ec2.get_subnet_output(
            id=settings.subnet, vpc_id=settings.vpc, opts=pulumi.InvokeOutputOptions(parent=self)
        )
        self.vpc: pulumi.Output[str] = found.vpc_id
        self.subnet: pulumi.Output[str] = found.id
        self.zone: pulumi.Output[str] = found.availability_zone
        self.ipv6 = False

    def _make(self, name: str, tags: dict[str, str]) -> None:
        child = pulumi.ResourceOptions(parent=self)
        vpc = ec2.Vpc(
            name,
            cidr_block=_RANGE,
            assign_generated_ipv6_cidr_block=True,
            enable_dns_hostnames=True,
            tags=tags,
            opts=child,
        )
        # A VPC comes with a group that lets its members reach each other: closed, nobody is in it.
        # Not tagged: it exists already, and the policy lets the stack tag new things only.
        ec2.DefaultSecurityGroup(name, vpc_id=vpc.id, opts=child)
        way_out = ec2.InternetGateway(name, vpc_id=vpc.id, tags=tags, opts=child)
        self.zone = self._first_zone()
        subnet = ec2.Subnet(
            name,
            vpc_id=vpc.id,
            availability_zone=self.zone,
            cidr_block=_RANGE,
            ipv6_cidr_block=vpc.ipv6_cidr_block.apply(first_64),
            map_public_ip_on_launch=False,
            tags=tags,
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["availabilityZone"]),
        )
        routes = ec2.RouteTable(
            name,
            vpc_id=vpc.id,
            routes=[
                {"cidr_block": "0.0.0.0/0", "gateway_id": way_out.id},
                {"ipv6_cidr_block": "::/0", "gateway_id": way_out.id},
            ],
            tags=tags,
            opts=child,
        )
        joined = ec2.RouteTableAssociation(
            name, subnet_id=subnet.id, route_table_id=routes.id, opts=child
        )
        self.vpc = vpc.id
        # Through the association: whoever waits for the subnet waits for its way out as well.
        self.subnet = pulumi.Output.all(subnet.id, joined.id).apply(lambda both: str(both[0]))
        self.ipv6 = True

    def _first_zone(self) -> pulumi.Output[str]:
        """Looked up, not taken from the subnet: a protected volume must not hold the VPC."""
        found = get_availability_zones_output(
            state="available",
            filters=[{"name": "opt-in-status", "values": ["opt-in-not-required"]}],
            opts=pulumi.InvokeOutputOptions(parent=self),
        )
        return found.names.apply(lambda names: str(names[0]))


def first_64(block: str) -> str:
    """The first /64 of a VPC's /56; a subnet must have exactly that size."""
    return f"{block.partition('/')[0]}/64"
