"""The IAM policy that an operator needs to run `pulumi up` and `destroy` for a plan.

Actions are named one by one, but where a pattern means just those. Whatever ends, changes or
opens something is bound to the stack's own tag, and that tag can be put on new resources only: a
key that leaks from a drill can't reach another stack's server. Of the zone it may change one name.
A managed policy may have 6,144 characters (IAM: quotas), and the largest plan's fits.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from recovery.infra.aws import calls
from recovery.settings import Settings

TAG = "velociraptor-recovery.stack"

_OTHERWISE = {
    "s3:GetBucketReplication": "s3:GetReplicationConfiguration",
    "s3:HeadBucket": "s3:ListBucket",
    "s3:PutBucketEncryption": "s3:PutEncryptionConfiguration",
    "s3:PutBucketLifecycleConfiguration": "s3:PutLifecycleConfiguration",
    "s3:PutBucketReplication": "s3:PutReplicationConfiguration",
    "s3:PutObjectLockConfiguration": "s3:PutBucketObjectLockConfiguration",
    "s3:PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
}
"""Calls of S3 whose action has another name (AWS's service authorization reference)."""


def policy(settings: Settings, stack: str) -> dict[str, Any]:
    """The policy document for these settings; ``stack`` as in the tag (``recovery-aws``)."""
    rights = _Rights(stack)
    if settings.machine == "aws":
        _server(rights, settings)
        _network(rights, settings)
        _entry(rights, settings)
    if settings.dns.kind == "route53":
        _name(rights, settings)
    return {"Version": "2012-10-17", "Statement": rights.statements() + _vault(settings.vault)}


@dataclass
class _Rights:
    """What a plan needs, kind by kind: the fewer statements, the shorter the document."""

    stack: str
    look: list[str] = field(default_factory=list)
    """On whatever there is, since AWS knows no narrower right."""
    own: list[str] = field(default_factory=list)
    """On what has the stack's tag."""
    made: list[str] = field(default_factory=list)
    """On something new, which has no tag yet: of the types ``made_types``."""
    made_types: list[str] = field(default_factory=list)
    named: list[str] = field(default_factory=list)
    """On something new of ``named_types``: apart, or an instance could have any group and key."""
    named_types: list[str] = field(default_factory=list)
    untagged: list[str] = field(default_factory=list)
    """On what never has a tag: of ``untagged_types``."""
    untagged_types: list[str] = field(default_factory=list)
    others: list[dict[str, Any]] = field(default_factory=list)

    def statements(self) -> list[dict[str, Any]]:
        only = {"StringEquals": {f"aws:ResourceTag/{TAG}": self.stack}}
        every = [
            _allow("Look", self.look),
            {**_allow("Own", self.own), "Condition": only},
            _allow("New", self.made, _types(self.made_types)),
            _allow("NewNamed", self.named, _types(self.named_types)),
            _allow("Untagged", self.untagged, _types(self.untagged_types)),
        ]
        return [one for one in every if one["Action"]] + self.others


def _server(rights: _Rights, settings: Settings) -> None:
    aws = settings.aws
    rights.look += _of("ec2", calls.LOOK)
    rights.own += _of("ec2", calls.SERVER_OWN + calls.PORTS + calls.MADE_OF_OTHERS[1:])
    if not aws.protect:
        rights.own += ["ec2:DeleteVolume"]
    rights.made += _of("ec2", calls.MADE)
    rights.made_types += ["image", "instance", "network-interface", "snapshot", "volume"]
    rights.named += _of("ec2", calls.MADE_BY_NAME)
    rights.named_types += ["key-pair", "security-group"]
    names = [f"arn:aws:iam::*:{kind}/machine-*" for kind in ("role", "instance-profile")]
    to_ec2 = {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}
    rights.others += [
        _tag_new("TagNew", "ec2:CreateTags", "ec2:CreateAction"),
        _allow("PortRules", _of("ec2", calls.PORTS), _types(["security-group-rule"])),
        _allow("Role", _of("iam", calls.ROLE), names),
        {**_allow("PassRole", ["iam:PassRole"], names[:1]), "Condition": to_ec2},
    ]
    if aws.kms_key:
        names = _of("kms", calls.KMS + (calls.KMS_SNAPSHOT if aws.snapshot else ()))
        rights.others.append(_allow("Encrypt", names, aws.kms_key))


def _network(rights: _Rights, settings: Settings) -> None:
    aws = settings.aws
    if aws.vpc:
        rights.own += _of("ec2", calls.CLOSING)
        given = _types([f"vpc/{aws.vpc}", f"subnet/{aws.subnet}"])
        rights.others.append(_allow("GivenNetwork", _of("ec2", calls.MADE_OF_OTHERS), given))
        return
    rights.look += _of("ec2", calls.NETWORK_LOOK)
    rights.own += _of("ec2", calls.NETWORK_OWN + calls.NETWORK_MADE_IN + calls.MADE_OF_OTHERS[:1])
    rights.made += _of("ec2", calls.NETWORK_MADE)
    rights.made_types += ["internet-gateway", "vpc"]
    rights.named += _of("ec2", calls.NETWORK_MADE_IN)
    rights.named_types += ["route-table", "subnet"]
    rights.untagged += _of("ec2", calls.CLOSING)
    rights.untagged_types += ["security-group"]


def _entry(rights: _Rights, settings: Settings) -> None:
    if settings.aws.entry == "elasticIp":
        rights.look += _of("ec2", calls.ADDRESS_LOOK)
        rights.own += _of("ec2", (*calls.ADDRESS, "ReleaseAddress"))
        rights.made += ["ec2:AllocateAddress"]
        rights.made_types += ["elastic-ip"]
        rights.untagged += _of("ec2", calls.ADDRESS)
        rights.untagged_types += ["network-interface"]
        return
    service = "elasticloadbalancing"
    rights.look += _of(service, calls.BALANCER_LOOKS)
    rights.own += _of(service, calls.BALANCER_OWN)
    here = f"arn:aws:{service}:*:*:"
    names = [f"{here}loadbalancer/net/machine-*", f"{here}targetgroup/machine-*"]
    # The account's first balancer makes the service's own role (its guide: Service-linked role).
    its_role = f"arn:aws:iam::*:role/aws-service-role/{service}.amazonaws.com/*"
    only = {"StringEquals": {"iam:AWSServiceName": f"{service}.amazonaws.com"}}
    rights.others += [
        _allow("Balancer", _of(service, calls.BALANCER), names),
        _tag_new("BalancerTagNew", f"{service}:AddTags", f"{service}:CreateAction"),
        {**_allow("BalancerRole", ["iam:CreateServiceLinkedRole"], its_role), "Condition": only},
    ]


def _name(rights: _Rights, settings: Settings) -> None:
    zone = f"arn:aws:route53:::hostedzone/{settings.aws.zone_id or '*'}"
    changing = _allow("Name", ["route53:ChangeResourceRecordSets"], zone)
    rights.look += _of("route53", calls.ZONES)
    rights.others += [
        _allow("Zone", _of("route53", calls.ZONE), zone),
        _allow("ZoneChange", ["route53:GetChange"], "arn:aws:route53:::change/*"),
        {**changing, **_one(settings)},
    ]
    if settings.aws.health_check:
        rights.look += ["route53:CreateHealthCheck"]
        checks = "arn:aws:route53:::healthcheck/*"
        rights.others.append(_allow("HealthCheck", _of("route53", calls.CHECK_OWN), checks))


def vault_policy(bucket: str, *, copied: bool = False) -> dict[str, Any]:
    """The policy for the stack of the vault's bucket; ``copied``: with a second region's copy."""
    buckets = [bucket, f"{bucket}-copy"] if copied else [bucket]
    arns = [f"arn:aws:s3:::{name}" for name in buckets]
    statements = [_allow("Bucket", _of("s3", calls.BUCKET), arns)]
    if copied:
        role = "arn:aws:iam::*:role/vault-copy-*"
        to_s3 = {"StringEquals": {"iam:PassedToService": "s3.amazonaws.com"}}
        roles = [name for name in calls.ROLE if "Profile" not in name or name.startswith("List")]
        statements += [
            _allow("CopyRole", _of("iam", roles), role),
            {**_allow("PassRole", ["iam:PassRole"], role), "Condition": to_s3},
        ]
    return {"Version": "2012-10-17", "Statement": statements}


def action_of(call: str) -> str:
    """The action that a call needs: mostly of its name, but S3 calls some otherwise."""
    return _OTHERWISE.get(call, call)


def actions(document: dict[str, Any]) -> set[str]:
    """Every action that the policy allows, e.g. ``ec2:RunInstances``; patterns as they stand."""
    return {action for statement in document["Statement"] for action in statement["Action"]}


def _of(service: str, names: Iterable[str]) -> list[str]:
    return [f"{service}:{name}" for name in names]


def _types(kinds: list[str]) -> list[str]:
    """ARNs of EC2 resources: of a type, or one by its id (``subnet/subnet-1``)."""
    return [f"arn:aws:ec2:*:*:{kind if '/' in kind else f'{kind}/*'}" for kind in kinds]


def _allow(sid: str, names: list[str], resource: str | list[str] = "*") -> dict[str, Any]:
    return {"Sid": sid, "Effect": "Allow", "Action": names, "Resource": resource}


def _tag_new(sid: str, action: str, key: str) -> dict[str, Any]:
    """Tags come with the call that makes a resource; on what exists they are not put."""
    return {**_allow(sid, [action]), "Condition": {"StringLike": {key: "*"}}}


def _one(settings: Settings) -> dict[str, Any]:
    """The condition under which a change of the zone is one of the server's name alone."""
    key = "route53:ChangeResourceRecordSets"
    name = settings.name.rstrip(".").lower()
    only = {f"{key}NormalizedRecordNames": [name], f"{key}RecordTypes": ["A", "AAAA"]}
    return {"Condition": {"ForAllValues:StringEquals": only}}


def _vault(vault: str) -> list[dict[str, Any]]:
    parts = urlsplit(vault)
    if parts.scheme != "s3":
        return []
    bucket, prefix = f"arn:aws:s3:::{parts.netloc}", parts.path.strip("/")
    below = f"{bucket}/{prefix}/*" if prefix else f"{bucket}/*"
    return [
        _allow("VaultList", ["s3:ListBucket"], bucket),
        _allow("VaultRead", ["s3:GetObject"], below),
    ]
