"""The IAM policy that an operator needs to run `pulumi up` and `destroy` for a plan.

Actions are named one by one. Whatever deletes or stops is bound to the stack's own tag, so
that a key that leaks from a drill can't end another stack's server.
"""

from typing import Any
from urllib.parse import urlsplit

from recovery.settings import Settings

TAG = "velociraptor-recovery.stack"

_LOOK = (
    "DescribeAddresses",
    "DescribeAddressesAttribute",
    "DescribeAvailabilityZones",
    "DescribeImages",
    "DescribeInstanceAttribute",
    "DescribeInstanceCreditSpecifications",
    "DescribeInstanceTypes",
    "DescribeInstances",
    "DescribeInternetGateways",
    "DescribeKeyPairs",
    "DescribeNetworkAcls",
    "DescribeNetworkInterfaces",
    "DescribeRouteTables",
    "DescribeSecurityGroupRules",
    "DescribeSecurityGroups",
    "DescribeSubnets",
    "DescribeTags",
    "DescribeVolumes",
    "DescribeVolumesModifications",
    "DescribeVpcAttribute",
    "DescribeVpcs",
)
_SERVER = (
    "AllocateAddress",
    "AssociateAddress",
    "AssociateIamInstanceProfile",
    "AttachVolume",
    "AuthorizeSecurityGroupEgress",
    "AuthorizeSecurityGroupIngress",
    "CreateSecurityGroup",
    "CreateTags",
    "CreateVolume",
    "DisassociateAddress",
    "ImportKeyPair",
    "ModifyInstanceAttribute",
    "ModifyInstanceMetadataOptions",
    "ModifySecurityGroupRules",
    "ModifyVolume",
    "RevokeSecurityGroupEgress",
    "RevokeSecurityGroupIngress",
    "RunInstances",
)
_SERVER_ENDS = (
    "DeleteKeyPair",
    "DeleteSecurityGroup",
    "DeleteTags",
    "DeleteVolume",
    "DetachVolume",
    "ReleaseAddress",
    "StartInstances",
    "StopInstances",
    "TerminateInstances",
)
_NETWORK = (
    "AssociateRouteTable",
    "AttachInternetGateway",
    "CreateInternetGateway",
    "CreateRoute",
    "CreateRouteTable",
    "CreateSubnet",
    "CreateVpc",
    "ModifySubnetAttribute",
    "ModifyVpcAttribute",
)
_NETWORK_ENDS = (
    "DeleteInternetGateway",
    "DeleteRoute",
    "DeleteRouteTable",
    "DeleteSubnet",
    "DeleteVpc",
    "DetachInternetGateway",
    "DisassociateRouteTable",
)
_ROLE = (
    "AddRoleToInstanceProfile",
    "CreateInstanceProfile",
    "CreateRole",
    "DeleteInstanceProfile",
    "DeleteRole",
    "DeleteRolePolicy",
    "GetInstanceProfile",
    "GetRole",
    "GetRolePolicy",
    "ListAttachedRolePolicies",
    "ListInstanceProfilesForRole",
    "ListRolePolicies",
    "PutRolePolicy",
    "RemoveRoleFromInstanceProfile",
    "TagInstanceProfile",
    "TagRole",
)
_BALANCER_LOOKS = (
    "DescribeCapacityReservation",
    "DescribeListenerAttributes",
    "DescribeListeners",
    "DescribeLoadBalancerAttributes",
    "DescribeLoadBalancers",
    "DescribeTags",
    "DescribeTargetGroupAttributes",
    "DescribeTargetGroups",
    "DescribeTargetHealth",
)
_BALANCER = (
    "AddTags",
    "CreateListener",
    "CreateLoadBalancer",
    "CreateTargetGroup",
    "DeregisterTargets",
    "ModifyListenerAttributes",
    "ModifyLoadBalancerAttributes",
    "ModifyTargetGroup",
    "ModifyTargetGroupAttributes",
    "RegisterTargets",
    "SetSecurityGroups",
)
_BALANCER_ENDS = ("DeleteListener", "DeleteLoadBalancer", "DeleteTargetGroup", "RemoveTags")
_RECORD = ("ChangeResourceRecordSets", "GetHostedZone", "ListResourceRecordSets")
_ZONES = ("GetChange", "ListHostedZones", "ListHostedZonesByName", "ListTagsForResource")
_CHECK = (
    "ChangeTagsForResource",
    "CreateHealthCheck",
    "DeleteHealthCheck",
    "GetHealthCheck",
    "UpdateHealthCheck",
)
_KMS = ("CreateGrant", "Decrypt", "DescribeKey", "GenerateDataKeyWithoutPlaintext", "ReEncrypt*")


_BUCKET = (
    "CreateBucket",
    "GetAccelerateConfiguration",
    "GetBucketAcl",
    "GetBucketCORS",
    "GetBucketLocation",
    "GetBucketLogging",
    "GetBucketObjectLockConfiguration",
    "GetBucketOwnershipControls",
    "GetBucketPolicy",
    "GetBucketPublicAccessBlock",
    "GetBucketRequestPayment",
    "GetBucketTagging",
    "GetBucketVersioning",
    "GetBucketWebsite",
    "GetEncryptionConfiguration",
    "GetLifecycleConfiguration",
    "GetReplicationConfiguration",
    "ListBucket",
    "ListTagsForResource",
    "PutBucketObjectLockConfiguration",
    "PutBucketOwnershipControls",
    "PutBucketPolicy",
    "PutBucketPublicAccessBlock",
    "PutBucketTagging",
    "PutBucketVersioning",
    "PutEncryptionConfiguration",
    "PutLifecycleConfiguration",
    "PutReplicationConfiguration",
    "TagResource",
    "UntagResource",
)
"""No right to delete the bucket or an object: whoever ends a stack doesn't end the vault."""
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
    statements = [
        _allow("Look", "ec2", _LOOK),
        _allow("Server", "ec2", _SERVER),
        _own("ServerEnds", "ec2", _SERVER_ENDS, stack),
        _allow("Role", "iam", _ROLE, ["role/machine-*", "instance-profile/machine-*"]),
        _pass_role(),
    ]
    aws = settings.aws
    if not aws.vpc:
        statements += [
            _allow("Network", "ec2", _NETWORK),
            _own("NetworkEnds", "ec2", _NETWORK_ENDS, stack),
        ]
    if aws.entry == "loadBalancer":
        statements += [
            _allow("BalancerLook", "elasticloadbalancing", _BALANCER_LOOKS),
            _allow("Balancer", "elasticloadbalancing", _BALANCER),
            _own("BalancerEnds", "elasticloadbalancing", _BALANCER_ENDS, stack),
        ]
    if settings.dns.kind == "route53":
        zone = f"arn:aws:route53:::hostedzone/{aws.zone_id or '*'}"
        statements += [_allow("Zones", "route53", _ZONES), _allow("Name", "route53", _RECORD, zone)]
        if aws.health_check:
            statements.append(_allow("HealthCheck", "route53", _CHECK))
    if aws.kms_key:
        statements.append(_allow("Encrypt", "kms", _KMS, aws.kms_key))
    statements += _vault(settings.vault)
    return {"Version": "2012-10-17", "Statement": statements}


def vault_policy(bucket: str, *, copied: bool = False, kms_key: str = "") -> dict[str, Any]:
    """The policy for the stack of the vault's bucket; ``copied``: with a second region's copy."""
    buckets = [bucket, f"{bucket}-copy"] if copied else [bucket]
    arns = [f"arn:aws:s3:::{name}" for name in buckets]
    bucket_rights = {**_allow("Bucket", "s3", _BUCKET), "Resource": arns}
    statements = [bucket_rights]
    if copied:
        role = ["role/vault-copy-*"]
        to_s3 = {"StringEquals": {"iam:PassedToService": "s3.amazonaws.com"}}
        roles = tuple(name for name in _ROLE if "Profile" not in name or name.startswith("List"))
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
