"""What a policy allows, as IAM would judge a call: its action, and the conditions that we use.

moto can enforce policies too, but knows no conditions, and refuses every signed call to Route 53.
A call is judged by the ids in its parameters: what is bound to a tag must have the tag on each.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

_TAGGED_ID = re.compile(r"^(i|vol|sg|subnet|vpc|igw|rtb|eipalloc)-[0-9a-f]+$")
_ARN = re.compile(r"^arn:aws:elasticloadbalancing:")
_KEY_NAME = "KeyName"

Tags = Callable[[str], dict[str, str]]
"""The tags of an EC2 id, a load balancer's ARN, or ``key-pair/NAME``."""


def refuse(policy: dict[str, Any], action: str, params: dict[str, Any], tags_of: Tags) -> str:
    """Why the policy doesn't allow this call; empty when it does."""
    saying = [one for one in policy["Statement"] if action in one["Action"]]
    if not saying:
        return f"no identity-based policy allows the {action} action"
    missing = [_unmet(one, params, tags_of) for one in saying]
    if all(missing):
        return f"{action} is allowed under conditions only: {'; '.join(missing)}"
    if params.get("TagSpecifications") or params.get("Tags"):
        return _untaggable(policy, action)
    return ""


def _unmet(statement: dict[str, Any], params: dict[str, Any], tags_of: Tags) -> str:
    conditions = statement.get("Condition", {}).values()
    for key, values in ((key, one) for condition in conditions for key, one in condition.items()):
        allowed = values if isinstance(values, list) else [values]
        if key.startswith("aws:ResourceTag/"):
            why = _untagged(key.partition("/")[2], allowed, params, tags_of)
        elif key.startswith("route53:ChangeResourceRecordSets"):
            why = _other_records(key, allowed, params)
        else:
            why = "" if key.endswith((":CreateAction", ":PassedToService")) else f"{key} is unknown"
        if why:
            return why
    return ""


def _untagged(tag: str, allowed: list[str], params: dict[str, Any], tags_of: Tags) -> str:
    touched = sorted({*_touched(params)})
    for ident in touched:
        if tags_of(ident).get(tag) not in allowed:
            return f"{ident} doesn't have the tag {tag}={allowed[0]}"
    return "" if touched else "the call names nothing that could have the tag"


def _other_records(key: str, allowed: list[str], params: dict[str, Any]) -> str:
    records = [one["ResourceRecordSet"] for one in params["ChangeBatch"]["Changes"]]
    by_name = key.endswith("NormalizedRecordNames")
    said = {_normal(one["Name"]) if by_name else one["Type"] for one in records}
    return f"only {allowed} may be changed" if said - set(allowed) else ""


def _untaggable(policy: dict[str, Any], action: str) -> str:
    """Tags at a creation are a right of their own, in EC2 and for load balancers."""
    service, name = action.split(":")
    right = {"ec2": "ec2:CreateTags", "elasticloadbalancing": "elasticloadbalancing:AddTags"}
    if service not in right:
        return ""
    for one in policy["Statement"]:
        makers = one.get("Condition", {}).get("StringEquals", {}).get(f"{service}:CreateAction", [])
        if right[service] in one["Action"] and name in makers:
            return ""
    return f"{right[service]} is not allowed for what {action} makes"


def _touched(value: Any, key: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for name, one in value.items():
            yield from _touched(one, name)
    elif isinstance(value, list):
        for one in value:
            yield from _touched(one, key)
    elif isinstance(value, str) and (_TAGGED_ID.match(value) or _ARN.match(value)):
        yield value
    elif key == _KEY_NAME:
        yield f"key-pair/{value}"


def _normal(name: str) -> str:
    return name.rstrip(".").lower()
