"""What a stack has in an AWS account, by its tag: looked at and ended through AWS's own API.

Nothing here knows that a drill's AWS is a double: a real account answers the same calls.
"""

from typing import Any

TAG = "velociraptor-recovery.stack"
_LOOKS = {
    "elastic-ip": ("addresses", "AllocationIds"),
    "instance": ("instances", "InstanceIds"),
    "internet-gateway": ("internet_gateways", "InternetGatewayIds"),
    "key-pair": ("key_pairs", "KeyPairIds"),
    "network-interface": ("network_interfaces", "NetworkInterfaceIds"),
    "route-table": ("route_tables", "RouteTableIds"),
    "security-group": ("security_groups", "GroupIds"),
    "security-group-rule": ("security_group_rules", "SecurityGroupRuleIds"),
    "subnet": ("subnets", "SubnetIds"),
    "volume": ("volumes", "VolumeIds"),
    "vpc": ("vpcs", "VpcIds"),
    "vpc-elastic-ip": ("addresses", "AllocationIds"),
}
"""What EC2's tags call a resource → how it is described, and by what."""
_NOTHING_LEFT = ("terminated", "shutting-down")


def terminate_instances(stack: str, region: str) -> list[str]:
    """Terminates the stack's instances, as an attacker with the account would; their ids."""
    ec2 = _client("ec2", region)
    filters = [
        {"Name": f"tag:{TAG}", "Values": [stack]},
        {"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped"]},
    ]
    seen = ec2.describe_instances(Filters=filters)["Reservations"]
    found = [str(one["InstanceId"]) for part in seen for one in part["Instances"]]
    if found:
        ec2.terminate_instances(InstanceIds=found)
    return found


def resources(stack: str, name: str, zone: str, region: str) -> list[str]:
    """Everything of the stack that is there: ``volume vol-1``, ``role machine-…``, ``A name``.

    EC2's by the stack's tag; roles and load balancers by theirs; records by the server's name.
    """
    ec2, iam, route53 = (_client(service, region) for service in ("ec2", "iam", "route53"))
    filters = [{"Name": "key", "Values": [TAG]}, {"Name": "value", "Values": [stack]}]
    tagged = ec2.describe_tags(Filters=filters)["Tags"]
    found = {(str(one["ResourceType"]), str(one["ResourceId"])) for one in tagged}
    there = {one for one in found if _lives(ec2, *one)}
    roles = [str(role["RoleName"]) for role in iam.list_roles()["Roles"]]
    own = [role for role in roles if _tagged(iam.list_role_tags(RoleName=role)["Tags"], stack)]
    zones = route53.list_hosted_zones_by_name(DNSName=zone)["HostedZones"]
    records = route53.list_resource_record_sets(HostedZoneId=zones[0]["Id"]) if zones else {}
    named = [
        str(one["Type"])
        for one in records.get("ResourceRecordSets", [])
        if one["Name"].rstrip(".") == name
    ]
    return sorted(
        [f"{kind} {ident}" for kind, ident in there]
        + [f"role {role}" for role in own]
        + _balancing(_client("elbv2", region), stack)
        + [f"record {kind} {name}" for kind in named]
    )


def _balancing(elb: Any, stack: str) -> list[str]:
    """The stack's load balancers and target groups; twenty at once is the API's own limit."""
    arns = [one["LoadBalancerArn"] for one in elb.describe_load_balancers()["LoadBalancers"]]
    arns += [one["TargetGroupArn"] for one in elb.describe_target_groups()["TargetGroups"]]
    found: list[str] = []
    for at in range(0, len(arns), 20):
        described = elb.describe_tags(ResourceArns=arns[at : at + 20])["TagDescriptions"]
        found += [str(one["ResourceArn"]) for one in described if _tagged(one["Tags"], stack)]
    return [arn.split(":")[5].replace("/", " ", 1) for arn in found]


def _tagged(tags: list[dict[str, str]], stack: str) -> bool:
    return any(tag["Key"] == TAG and tag["Value"] == stack for tag in tags)


def _lives(ec2: Any, kind: str, ident: str) -> bool:
    """A tag can still be listed after its resource's end (an instance's for an hour)."""
    from botocore.exceptions import ClientError  # noqa: PLC0415

    look, by = _LOOKS[kind]
    try:
        seen = getattr(ec2, f"describe_{look}")(**{by: [ident]})
    except ClientError as refused:
        if "NotFound" in refused.response["Error"]["Code"]:
            return False
        raise
    if kind == "instance":
        states = [one["State"]["Name"] for r in seen["Reservations"] for one in r["Instances"]]
        return any(state not in _NOTHING_LEFT for state in states)
    # Looked for by its id: not every answer keeps to what was asked for.
    found = [one for value in seen.values() if isinstance(value, list) for one in value]
    return any(ident in one.values() for one in found)


def _client(service: str, region: str) -> Any:
    import boto3  # noqa: PLC0415 - loads slowly, and only this drill needs it

    return boto3.client(service, region_name=region)
