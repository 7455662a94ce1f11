"""The IAM policy that an operator needs to run `pulumi up` and `destroy` for a plan.

Actions are named one by one. Whatever ends, changes or opens something is bound to the stack's
own tag, and that tag can be put on new resources only: a key that leaks from a drill can't reach
another stack's server. Of the zone it may change one name.
"""

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
    aws = settings.aws
    statements = _machine(settings, stack) if settings.machine == "aws" else []
    if settings.dns.kind == "route53":
        zone = f"arn:aws:route53:::hostedzone/{aws.zone_id or '*'}"
        statements += [
            _allow("Zones", "route53", calls.ZONES),
            _allow("Zone", "route53", calls.ZONE, zone),
            {**_allow("Name", "route53", ("ChangeResourceRecordSets",), zone), **_one(settings)},
        ]
        if aws.health_check:
            statements.append(_allow("HealthCheck", "route53", calls.CHECK))
    statements += _vault(settings.vault)
    return {"Version": "2012-10-17", "Statement": statements}


def _machine(settings: Settings, stack: str) -> list[dict[str, Any]]:
    aws = settings.aws
    tagging = calls.TAGGING if aws.vpc else calls.TAGGING + calls.NETWORK
    statements = [
        _allow("Look", "ec2", calls.LOOK),
        _allow("Server", "ec2", calls.SERVER),
        _own("ServerOwn", "ec2", calls.SERVER_OWN, stack),
        {**_own("Ports", "ec2", calls.PORTS, stack), "Resource": _arn("security-group")},
        _allow("PortRules", "ec2", calls.PORTS, _arn("security-group-rule")),
        _tag_new("ec2", "CreateTags", tagging),
        _allow("Role", "iam", calls.ROLE, ["role/machine-*", "instance-profile/machine-*"]),
        _pass_role(),
    ]
    if not aws.vpc:
        statements += [
            _allow("Network", "ec2", calls.NETWORK),
            _own("NetworkOwn", "ec2", calls.NETWORK_OWN, stack),
        ]
    if aws.entry == "loadBalancer":
        statements += [
            _allow("BalancerLook", "elasticloadbalancing", calls.BALANCER_LOOKS),
            _allow("Balancer", "elasticloadbalancing", calls.BALANCER),
            _own("BalancerOwn", "elasticloadbalancing", calls.BALANCER_OWN, stack),
            _tag_new("elasticloadbalancing", "AddTags", calls.BALANCER),
        ]
    if aws.kms_key:
        statements.append(_allow("Encrypt", "kms", calls.KMS, aws.kms_key))
    return statements


def vault_policy(bucket: str, *, copied: bool = False, kms_key: str = "") -> dict[str, Any]:
    """The policy for the stack of the vault's bucket; ``copied``: with a second region's copy."""
    buckets = [bucket, f"{bucket}-copy"] if copied else [bucket]
    arns = [f"arn:aws:s3:::{name}" for name in buckets]
    bucket_rights = {**_allow("Bucket", "s3", calls.BUCKET), "Resource": arns}
    statements = [bucket_rights]
    if copied:
        role = ["role/vault-copy-*"]
        to_s3 = {"StringEquals": {"iam:PassedToService": "s3.amazonaws.com"}}
        roles = tuple(
            name for name in calls.ROLE if "Profile" not in name or name.startswith("List")
        )
        statements += [
            _allow("CopyRole", "iam", roles, role),
            {**_allow("PassRole", "iam", ("PassRole",), role), "Condition": to_s3},
        ]
    if kms_key:
        statements.append(_allow("Encrypt", "kms", ("DescribeKey",), kms_key))
    return {"Version": "2012-10-17", "Statement": statements}


def action_of(call: str) -> str:
    """The action that a call needs: mostly of its name, but S3 calls some otherwise."""
    return _OTHERWISE.get(call, call)


def actions(document: dict[str, Any]) -> set[str]:
    """Every action that the policy allows, e.g. ``ec2:RunInstances``."""
    return {action for statement in document["Statement"] for action in statement["Action"]}


def _allow(
    sid: str, service: str, names: tuple[str, ...], resource: str | list[str] = "*"
) -> dict[str, Any]:
    if isinstance(resource, list):
        resource = [f"arn:aws:{service}::*:{part}" for part in resource]
    wanted = [f"{service}:{name}" for name in names]
    return {"Sid": sid, "Effect": "Allow", "Action": wanted, "Resource": resource}


def _own(sid: str, service: str, names: tuple[str, ...], stack: str) -> dict[str, Any]:
    only = {"StringEquals": {f"aws:ResourceTag/{TAG}": stack}}
    return {**_allow(sid, service, names), "Condition": only}


def _arn(kind: str) -> str:
    return f"arn:aws:ec2:*:*:{kind}/*"


def _tag_new(service: str, action: str, makers: tuple[str, ...]) -> dict[str, Any]:
    """Tags come with the call that makes a resource; on what exists they are not put."""
    sid = "TagNew" if service == "ec2" else "BalancerTagNew"
    made = {"StringEquals": {f"{service}:CreateAction": list(makers)}}
    return {**_allow(sid, service, (action,)), "Condition": made}


def _one(settings: Settings) -> dict[str, Any]:
    """The condition under which a change of the zone is one of the server's name alone."""
    key = "route53:ChangeResourceRecordSets"
    name = settings.name.rstrip(".").lower()
    only = {f"{key}NormalizedRecordNames": [name], f"{key}RecordTypes": ["A", "AAAA"]}
    return {"Condition": {"ForAllValues:StringEquals": only}}


def _pass_role() -> dict[str, Any]:
    to_ec2 = {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}
    return {**_allow("PassRole", "iam", ("PassRole",), ["role/machine-*"]), "Condition": to_ec2}


def _vault(vault: str) -> list[dict[str, Any]]:
    parts = urlsplit(vault)
    if parts.scheme != "s3":
        return []
    bucket, prefix = f"arn:aws:s3:::{parts.netloc}", parts.path.strip("/")
    below = f"{bucket}/{prefix}/*" if prefix else f"{bucket}/*"
    return [
        _allow("VaultList", "s3", ("GetBucketLocation", "ListBucket"), bucket),
        _allow("VaultRead", "s3", ("GetObject",), below),
    ]
