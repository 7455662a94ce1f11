"""What the server itself may do in the account: read its vault's prefix, and nothing else."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pulumi
from pulumi_aws import iam


@dataclass(frozen=True)
class VaultAccessArgs:
    """``vault``: the vault's URI; anything but ``s3://`` gives a role without a permission."""

    vault: str
    tags: Mapping[str, str]


class VaultAccess(pulumi.ComponentResource):
    """A role for the instance; ``profile`` is its instance profile's name."""

    def __init__(
        self, name: str, args: VaultAccessArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("recovery:aws:VaultAccess", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        tags = dict(args.tags)
        role = iam.Role(name, assume_role_policy=json.dumps(TRUST), tags=tags, opts=child)
        if policy := read_policy(args.vault):
            iam.RolePolicy(name, role=role.id, policy=json.dumps(policy), opts=child)
        profile = iam.InstanceProfile(name, role=role.name, tags=tags, opts=child)
        self.profile: pulumi.Output[str] = profile.name
        self.register_outputs({"profile": self.profile})


TRUST: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"Service": "ec2.amazonaws.com"},
        }
    ],
}


def read_policy(vault: str) -> dict[str, Any] | None:
    """Reading below the vault's prefix, and listing just that; None for a vault elsewhere."""
    parts = urlsplit(vault)
    if parts.scheme != "s3" or not parts.netloc:
        return None
    bucket = f"arn:aws:s3:::{parts.netloc}"
    prefix = parts.path.strip("/")
    below = f"{prefix}/*" if prefix else "*"
    listing: dict[str, Any] = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": bucket}
    if prefix:
        listing["Condition"] = {"StringLike": {"s3:prefix": [prefix, below]}}
    reading = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"{bucket}/{below}"}
    return {"Version": "2012-10-17", "Statement": [listing, reading]}
