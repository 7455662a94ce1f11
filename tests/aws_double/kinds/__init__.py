"""Every type and function that the program uses, each once; whatever else is asked is refused."""

from collections.abc import Callable
from typing import Any

from aws_double.account import Account
from aws_double.kinds import balancer, bucket, lookups, machine, name, network, rights
from aws_double.kinds.kind import Kind

_ALL: tuple[type[Kind], ...] = (
    network.Vpc,
    network.Subnet,
    network.InternetGateway,
    network.RouteTable,
    network.RouteTableAssociation,
    network.DefaultSecurityGroup,
    network.SecurityGroup,
    network.IngressRule,
    network.EgressRule,
    machine.KeyPair,
    machine.Volume,
    machine.Instance,
    machine.VolumeAttachment,
    machine.Eip,
    rights.Role,
    rights.RolePolicy,
    rights.InstanceProfile,
    name.Record,
    name.HealthCheck,
    *balancer.ALL,
    *bucket.ALL,
)
KINDS: dict[str, Kind] = {kind.token: kind() for kind in _ALL}
LOOKUPS: dict[str, Callable[[Account, dict[str, Any]], dict[str, Any]]] = {
    "aws:ec2/getAmi:getAmi": lookups.image,
    "aws:ec2/getSubnet:getSubnet": lookups.subnet,
    "aws:index/getAvailabilityZones:getAvailabilityZones": lookups.zones,
    "aws:route53/getZone:getZone": lookups.hosted_zone,
}
