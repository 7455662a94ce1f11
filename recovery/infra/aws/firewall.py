"""Who may reach the server: clients the frontend, administrators GUI and SSH, nobody the API."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pulumi
from pulumi_aws import ec2, vpc

from recovery.aws_settings import AwsSettings

SSH = 22


@dataclass(frozen=True)
class Rule:
    """One range that may reach one TCP port. ``name`` is part of the resource's name."""

    name: str
    port: int
    source: str
    text: str


@dataclass(frozen=True)
class FirewallArgs:
    """``vpc``: the network's id."""

    settings: AwsSettings
    vpc: pulumi.Input[str]
    tags: Mapping[str, str]


def rules(settings: AwsSettings) -> Iterator[Rule]:
    """Every way in. There is none to the API: the steps reach it through SSH."""
    for source in settings.clients_from:
        yield Rule(f"frontend-{source}", settings.frontend_port, source, "Velociraptor clients")
    for source in settings.admins_from:
        yield Rule(f"gui-{source}", settings.gui_port, source, "Velociraptor GUI")
        yield Rule(f"ssh-{source}", SSH, source, "SSH of the administrators")


class Firewall(pulumi.ComponentResource):
    """A security group (``group``: its id) with one rule a range and port."""

    def __init__(
        self, name: str, args: FirewallArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("recovery:aws:Firewall", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        tags = dict(args.tags)
        group = ec2.SecurityGroup(
            name, vpc_id=args.vpc, description="Velociraptor server", tags=tags, opts=child
        )
        self.group: pulumi.Output[str] = group.id
        for rule in rules(args.settings):
            vpc.SecurityGroupIngressRule(
                f"{name}-{rule.name}",
                security_group_id=group.id,
                ip_protocol="tcp",
                from_port=rule.port,
                to_port=rule.port,
                cidr_ipv4=None if ":" in rule.source else rule.source,
                cidr_ipv6=rule.source if ":" in rule.source else None,
                description=rule.text,
                tags=tags,
                opts=child,
            )
        for family in ("ipv4", "ipv6"):
            vpc.SecurityGroupEgressRule(
                f"{name}-out-{family}",
                security_group_id=group.id,
                ip_protocol="-1",
                cidr_ipv4="0.0.0.0/0" if family == "ipv4" else None,
                cidr_ipv6="::/0" if family == "ipv6" else None,
                description="packages and tools",
                tags=tags,
                opts=child,
            )
        self.register_outputs({"group": self.group})
