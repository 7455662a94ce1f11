"""What IAM is asked before a call is made: every action, each on every resource that it touches.

A call is judged once for each resource (AWS: "Actions, resources, and condition keys"): what
exists with its tags, what the call makes with the tags that it asks for. Some calls need rights
beside their own: to tag, to pass a role, to use a key.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from aws_double import reference
from recovery.infra.aws.permissions import action_of

_KINDS = {
    "ami": "image",
    "eipalloc": "elastic-ip",
    "eni": "network-interface",
    "i": "instance",
    "igw": "internet-gateway",
    "rtb": "route-table",
    "sg": "security-group",
    "sgr": "security-group-rule",
    "snap": "snapshot",
    "subnet": "subnet",
    "vol": "volume",
    "vpc": "vpc",
}
_ID = re.compile(rf"^({'|'.join(_KINDS)})-[0-9a-f]+$")
_ELB = re.compile(r"^arn:aws:elasticloadbalancing:[^:]*:[^:]*:(\w+)/")
_OF_DEBIAN = ("image", "snapshot")
_EBS_USES = ("CreateGrant", "Decrypt", "DescribeKey", "GenerateDataKeyWithoutPlaintext")
"""In the name of whoever makes an encrypted volume (EBS: "Requirements for EBS encryption")."""
_OF_A_SNAPSHOT = ("ReEncryptFrom", "ReEncryptTo")


@dataclass(frozen=True)
class Ask:
    """One question to IAM. ``resource``: an ARN (``type/*`` for what isn't there yet), or ``*``.

    ``kind``: its type in AWS's reference; ``context``: condition key → values.
    """

    action: str
    resource: str
    kind: str = ""
    context: dict[str, list[str]] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class World:
    """What of the account must be known: where it is, tags by id or ARN, a profile's roles, and
    the ids that an association joins.
    """

    region: str
    account: str
    tags_of: Callable[[str], dict[str, str]]
    roles_of: Callable[[str], list[str]]
    joined_by: Callable[[str], list[str]]


def asks(call: str, params: dict[str, Any], world: World) -> list[Ask]:
    """Every question that AWS would put to IAM for this call (``ec2:RunInstances``)."""
    service = call.partition(":")[0]
    return list(_BY_SERVICE[service](action_of(call), params, world))


def _ec2(action: str, params: dict[str, Any], world: World) -> Iterator[Ask]:
    known = reference.action(action)
    if not known.kinds:
        yield Ask(action, "*")
        return
    made = {one["ResourceType"]: one["Tags"] for one in params.get("TagSpecifications", [])}
    there = {
        (kind, ident)
        for kind, ident in _ids(params, world)
        if kind in known.kinds and "aws:ResourceTag/${TagKey}" in known.kinds[kind]
    }
    for kind, ident in sorted(there):
        yield Ask(action, _ec2_arn(world, kind, ident), kind, _has(world, kind, ident))
    assert there or made or known.required, f"{action}: on what?"
    for kind in sorted((known.required | set(made)) & set(known.kinds) - {one for one, _ in there}):
        arn = _ec2_arn(world, kind, params.get("KeyName", "*") if kind == "key-pair" else "*")
        yield Ask(action, arn, kind, _gets(made.get(kind, [])))
    if action.lower().endswith("associateaddress"):
        yield Ask(action, _ec2_arn(world, "network-interface", "*"), "network-interface")
    for kind, tags in sorted(made.items()):
        context = {**_gets(tags), "ec2:CreateAction": [action.partition(":")[2]]}
        yield Ask("ec2:CreateTags", _ec2_arn(world, kind, "*"), kind, context)
    if profile := params.get("IamInstanceProfile", {}).get("Name"):
        for role in world.roles_of(profile):
            yield _pass(world, role, "ec2.amazonaws.com")
    for key in _keys(params):
        uses = _EBS_USES + (_OF_A_SNAPSHOT if params.get("SnapshotId") else ())
        yield from (Ask(f"kms:{use}", key, "key") for use in uses)


def _elb(action: str, params: dict[str, Any], world: World) -> Iterator[Ask]:
    known = reference.action(action)
    if not known.kinds:
        yield Ask(action, "*")
        return
    here = f"arn:aws:elasticloadbalancing:{world.region}:{world.account}"
    name, tags = params.get("Name", "*"), params.get("Tags", [])
    made = {
        "CreateLoadBalancer": ("loadbalancer", f"{here}:loadbalancer/net/{name}/*"),
        "CreateTargetGroup": ("targetgroup", f"{here}:targetgroup/{name}/*"),
        "CreateListener": ("listener", f"{here}:listener/net/*"),
    }.get(action.partition(":")[2])
    touched = set(_balancing(params))
    for arn in sorted(touched if action.endswith("CreateListener") or not made else set()):
        context = {f"aws:ResourceTag/{key}": [one] for key, one in world.tags_of(arn).items()}
        kind = _ELB.match(arn)[1]  # type: ignore[index]
        yield Ask(action, _as_network(arn), kind, {**context, **_gets(tags)})
    if made and not action.endswith("CreateListener"):
        yield Ask(action, made[1], made[0], _gets(tags))
        yield _linked(world)
    if made and tags:
        context = {**_gets(tags), "elasticloadbalancing:CreateAction": [action.partition(":")[2]]}
        yield Ask("elasticloadbalancing:AddTags", made[1], made[0], context)


def _iam(action: str, params: dict[str, Any], world: World) -> Iterator[Ask]:
    here = f"arn:aws:iam::{world.account}"
    kinds = {"role": params.get("RoleName"), "instance-profile": params.get("InstanceProfileName")}
    known = reference.action(action).kinds
    for kind, name in kinds.items():
        if name and kind in known:
            tags = params.get("Tags", [])
            yield Ask(action, f"{here}:{kind}/{name}", kind, _gets(tags))
            if tags:
                tagging = "iam:TagRole" if kind == "role" else "iam:TagInstanceProfile"
                yield Ask(tagging, f"{here}:{kind}/{name}", kind, _gets(tags))
    if action == "iam:AddRoleToInstanceProfile":
        yield _pass(world, params["RoleName"], "ec2.amazonaws.com")


def _route53(action: str, params: dict[str, Any], _world: World) -> Iterator[Ask]:
    known = reference.action(action).kinds
    zone = params.get("HostedZoneId") or params.get("Id")
    check = params.get("HealthCheckId") or params.get("ResourceId")
    if "hostedzone" in known and zone:
        context = _records(params.get("ChangeBatch", {}).get("Changes", []))
        arn = f"arn:aws:route53:::hostedzone/{zone.rpartition('/')[2]}"
        yield Ask(action, arn, "hostedzone", context)
    elif "healthcheck" in known and check:
        yield Ask(action, f"arn:aws:route53:::healthcheck/{check}", "healthcheck")
    else:
        assert not known, f"{action}: on what?"
        yield Ask(action, "*")


def _s3(action: str, params: dict[str, Any], world: World) -> Iterator[Ask]:
    bucket = f"arn:aws:s3:::{params['Bucket']}"
    yield Ask(action, bucket, "bucket")
    if params.get("ObjectLockEnabledForBucket"):  # API reference: CreateBucket, Permissions
        yield Ask("s3:PutBucketObjectLockConfiguration", bucket, "bucket")
        yield Ask("s3:PutBucketVersioning", bucket, "bucket")
    if role := params.get("ReplicationConfiguration", {}).get("Role"):
        yield _pass(world, role.rpartition("/")[2], "s3.amazonaws.com")


_BY_SERVICE: dict[str, Callable[[str, dict[str, Any], World], Iterator[Ask]]] = {
    "ec2": _ec2,
    "elasticloadbalancing": _elb,
    "iam": _iam,
    "route53": _route53,
    "s3": _s3,
}


def _pass(world: World, role: str, service: str) -> Ask:
    arn = f"arn:aws:iam::{world.account}:role/{role}"
    return Ask("iam:PassRole", arn, "role", {"iam:PassedToService": [service]})


def _linked(world: World) -> Ask:
    """The first balancer or target group of an account makes the service's own role."""
    service = "elasticloadbalancing.amazonaws.com"
    role = f"role/aws-service-role/{service}/AWSServiceRoleForElasticLoadBalancing"
    return Ask(
        "iam:CreateServiceLinkedRole",
        f"arn:aws:iam::{world.account}:{role}",
        "role",
        {"iam:AWSServiceName": [service]},
    )


def _has(world: World, kind: str, ident: str) -> dict[str, list[str]]:
    if kind in _OF_DEBIAN:
        return {}
    named = f"key-pair/{ident}" if kind == "key-pair" else ident
    return {f"aws:ResourceTag/{key}": [value] for key, value in world.tags_of(named).items()}


def _gets(tags: list[dict[str, str]]) -> dict[str, list[str]]:
    found = {f"aws:RequestTag/{one['Key']}": [one["Value"]] for one in tags}
    return {**found, "aws:TagKeys": [one["Key"] for one in tags]} if tags else {}


def _records(changes: list[dict[str, Any]]) -> dict[str, list[str]]:
    if not changes:
        return {}
    records = [one["ResourceRecordSet"] for one in changes]
    key = "route53:ChangeResourceRecordSets"
    return {
        f"{key}NormalizedRecordNames": sorted({one["Name"].rstrip(".").lower() for one in records}),
        f"{key}RecordTypes": sorted({one["Type"] for one in records}),
        f"{key}Actions": sorted({one["Action"] for one in changes}),
    }


def _ec2_arn(world: World, kind: str, ident: str) -> str:
    owner = "" if kind in _OF_DEBIAN else world.account
    return f"arn:aws:ec2:{world.region}:{owner}:{kind}/{ident}"


def _texts(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, one in value.items():
            yield from _texts(one, name)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one, key)
    elif isinstance(value, str):
        yield key, value


def _ids(params: dict[str, Any], world: World) -> Iterator[tuple[str, str]]:
    for key, text in _texts(params):
        if key == "AssociationId":
            yield from _ids({"": world.joined_by(text)}, world)
        elif found := _ID.match(text):
            yield _KINDS[found[1]], text
        elif key == "KeyName":
            yield "key-pair", text


def _balancing(params: dict[str, Any]) -> Iterator[str]:
    """The ARN that the call is about; those in a listener's actions are only named by it."""
    for key, one in params.items():
        if key not in ("DefaultActions", "Actions"):
            yield from (text for _, text in _texts(one) if _ELB.match(text))


def _as_network(arn: str) -> str:
    """moto calls every load balancer one for applications."""
    return arn.replace("/app/", "/net/")


def _keys(params: dict[str, Any]) -> list[str]:
    return sorted({text for key, text in _texts(params) if key == "KmsKeyId"})
