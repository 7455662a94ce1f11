"""The replacement server's machine on AWS: instance, volumes, address, and who may reach them."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_aws import ebs, ec2

from recovery.aws_settings import AwsSettings
from recovery.infra.aws.balancer import Balancer, BalancerArgs
from recovery.infra.aws.firewall import Firewall, FirewallArgs
from recovery.infra.aws.first_boot import user_data
from recovery.infra.aws.network import Network, NetworkArgs
from recovery.infra.aws.vault_access import VaultAccess, VaultAccessArgs
from recovery.infra.ssh_keys import SshKeys

_DEBIAN = "136693071363"  # Debian's own account (wiki.debian.org/Cloud/AmazonEC2Image)
_IMAGE = "debian-12-amd64-*"


@dataclass(frozen=True)
class AwsServerArgs:
    """``vault``: its URI, for the instance's rights; ``keys``: operator's and host's."""

    settings: AwsSettings
    vault: str
    datastore: str
    keys: SshKeys
    tags: Mapping[str, str]


class AwsServer(pulumi.ComponentResource):
    """``instance`` (its id), ``address``, ``address6`` (if ``ipv6``), ``balancer`` (or None)."""

    def __init__(
        self, name: str, args: AwsServerArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("recovery:aws:Server", name, None, opts)
        self._args = args
        self._tags = {"Name": name, **args.tags}
        child = pulumi.ResourceOptions(parent=self)
        settings = args.settings
        network = Network(f"{name}-network", NetworkArgs(settings, self._tags), child)
        firewall = Firewall(
            f"{name}-firewall", FirewallArgs(settings, network.vpc, self._tags), child
        )
        volume = self._volume(name, network)
        instance = self._instance(name, network, firewall, volume)
        self._attachment = ec2.VolumeAttachment(
            name,
            device_name="/dev/sdf",
            instance_id=instance.id,
            volume_id=volume.id,
            # A running server's disk is not pulled out: the instance is stopped before.
            stop_instance_before_detaching=True,
            opts=child,
        )
        self.ipv6 = network.ipv6
        self.balancer: Balancer | None = None
        self.address: pulumi.Output[str] = instance.public_ip
        if settings.entry == "elasticIp":
            address = ec2.Eip(name, domain="vpc", instance=instance.id, tags=self._tags, opts=child)
            self.address = address.public_ip
        else:
            wanted = BalancerArgs(
                network.vpc,
                network.subnet,
                firewall.group,
                instance.id,
                settings.frontend_port,
                network.ipv6,
                self._tags,
            )
            self.balancer = Balancer(f"{name}-balancer", wanted, child)
        self.instance: pulumi.Output[str] = instance.id
        self.address6 = instance.ipv6_addresses.apply(lambda found: (found or [""])[0])
        self.register_outputs(
            {"instance": self.instance, "address": self.address, "address6": self.address6}
        )

    def _volume(self, name: str, network: Network) -> ebs.Volume:
        settings = self._args.settings
        return ebs.Volume(
            f"{name}-datastore",
            availability_zone=network.zone,
            size=settings.volume_size,
            type="gp3",
            encrypted=True,
            kms_key_id=settings.kms_key or None,
            snapshot_id=settings.snapshot or None,
            tags={**self._tags, "Name": f"{name}-datastore"},
            opts=pulumi.ResourceOptions(
                parent=self, protect=settings.protect, ignore_changes=["availabilityZone"]
            ),
        )

    def _instance(
        self, name: str, network: Network, firewall: Firewall, volume: ebs.Volume
    ) -> ec2.Instance:
        settings, keys = self._args.settings, self._args.keys
        child = pulumi.ResourceOptions(parent=self)
        access = VaultAccess(f"{name}-access", VaultAccessArgs(self._args.vault, self._tags), child)
        operator = ec2.KeyPair(name, public_key=keys.publicKey, tags=self._tags, opts=child)
        boot: pulumi.Output[str] = pulumi.Output.all(
            keys.hostPrivateKey, keys.hostPublicKey, volume.id
        ).apply(lambda parts: user_data(parts[0], parts[1], parts[2], self._args.datastore))
        return ec2.Instance(
            name,
            ami=settings.ami or self._newest_debian(),
            instance_type=settings.instance_type,
            subnet_id=network.subnet,
            vpc_security_group_ids=[firewall.group],
            associate_public_ip_address=settings.entry == "loadBalancer",
            ipv6_address_count=1 if network.ipv6 else None,
            iam_instance_profile=access.profile,
            key_name=operator.key_name,
            user_data=boot,  # a secret, since the host's private key in it is one
            metadata_options={
                "http_endpoint": "enabled",
                "http_tokens": "required",
                "http_put_response_hop_limit": 1,
            },
            root_block_device={
                "encrypted": True,
                "volume_type": "gp3",
                "volume_size": settings.root_size,
                "kms_key_id": settings.kms_key or None,
                # Without tags: the provider would put them on after the launch, for which the
                # policy would have to allow tagging whatever there is.
                "delete_on_termination": True,
            },
            tags=self._tags,
            # Both count at the first boot only: a newer image is no reason for another server.
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["ami", "userData"]),
        )

    def _newest_debian(self) -> pulumi.Output[str]:
        found = ec2.get_ami_output(
            most_recent=True,
            owners=[_DEBIAN],
            filters=[
                {"name": "name", "values": [_IMAGE]},
                {"name": "virtualization-type", "values": ["hvm"]},
            ],
            opts=pulumi.InvokeOutputOptions(parent=self),
        )
        return found.id
