"""The network load balancer, its targets and its listener; kept by moto alone."""

from typing import Any

from botocore.exceptions import ClientError

from aws_double import machines
from aws_double.account import Account
from aws_double.kinds.kind import Kind, gone, tags


def _elb(account: Account) -> Any:
    return account.client("elbv2")


class LoadBalancer(Kind):
    token = "aws:lb/loadBalancer:LoadBalancer"
    makes_another = frozenset({"name", "loadBalancerType", "internal"})
    named = "name"

    def create(self, account: Account, name: str, given: dict[str, Any]) -> str:
        made = _elb(account).create_load_balancer(
            Name=given["name"][:32],
            Subnets=given["subnets"],
            SecurityGroups=given["securityGroups"],
            Scheme="internal" if given["internal"] else "internet-facing",
            Type=given["loadBalancerType"],
            IpAddressType=given["ipAddressType"],
            Tags=tags(given),
        )
        return made["LoadBalancers"][0]["LoadBalancerArn"]

    def look(self, account: Account, ident: str, given: dict[str, Any]) -> dict[str, Any] | None:
        seen = gone(lambda: _elb(account).describe_load_balancers(LoadBalancerArns=[ident]))
        if not seen:
            return None
        one = seen["LoadBalancers"][0]
        return {"arn": ident, "dnsName": one["DNSName"], "zoneId": one["CanonicalHostedZoneId"]}

    def delete(self, account: Account, ident: str, known: dict[str, Any]) -> None:
        gone(lambda: _elb(account).delete_load_balancer(LoadBalancerArn=ident))


class TargetGroup(Kind):
    token = "aws:lb/targetGroup:TargetGroup"
    makes_another = frozenset({"name", "port", "protocol", "vpcId", "targetType"})
    named = "name"

    def create(self, account: Account, name: str, given: dict[str, Any]) -> str:
        health = given["healthCheck"]
        made = _elb(account).create_target_group(
            Name=given["name"][:32],
            Protocol=given["protocol"],
            Port=given["port"],
            VpcId=given["vpcId"],
            TargetType=given["targetType"],
            HealthCheckProtocol=health["protocol"],
            HealthCheckIntervalSeconds=health["interval"],
            HealthyThresholdCount=health["healthyThreshold"],
            Tags=tags(given),
        )
        return made["TargetGroups"][0]["TargetGroupArn"]

    def settle(self, account: Account, ident: str, given: dict[str, Any]) -> None:
        delay = {"Key": "deregistration_delay.timeout_seconds"}
        _elb(account).modify_target_group_attributes(
            TargetGroupArn=ident,
            Attributes=[{**delay, "Value": str(given["deregistrationDelay"])}],
        )

    def look(self, account: Account, ident: str, given: dict[str, Any]) -> dict[str, Any] | None:
        seen = gone(lambda: _elb(account).describe_target_groups(TargetGroupArns=[ident]))
        return seen and {"arn": ident}

    def delete(self, account: Account, ident: str, known: dict[str, Any]) -> None:
        gone(lambda: _elb(account).delete_target_group(TargetGroupArn=ident))


class Attachment(Kind):
    token = "aws:lb/targetGroupAttachment:TargetGroupAttachment"
    makes_another = frozenset({"targetGroupArn", "targetId"})

    def create(self, account: Account, name: str, given: dict[str, Any]) -> str:
        _elb(account).register_targets(
            TargetGroupArn=given["targetGroupArn"], Targets=[{"Id": given["targetId"]}]
        )
        return f"{given['targetGroupArn']}-{given['targetId']}"

    def delete(self, account: Account, ident: str, known: dict[str, Any]) -> None:
        """ELB's reference: a target that doesn't exist is no error. moto refuses it."""
        try:
            gone(
                lambda: _elb(account).deregister_targets(
                    TargetGroupArn=known["targetGroupArn"], Targets=[{"Id": known["targetId"]}]
                )
            )
        except ClientError as refused:
            if refused.response["Error"]["Code"] != "InvalidTarget":
                raise


class Listener(Kind):
    token = "aws:lb/listener:Listener"
    makes_another = frozenset({"loadBalancerArn"})

    def create(self, account: Account, name: str, given: dict[str, Any]) -> str:
        actions = [
            {"Type": one["type"], "TargetGroupArn": one["targetGroupArn"]}
            for one in given["defaultActions"]
        ]
        made = _elb(account).create_listener(
            LoadBalancerArn=given["loadBalancerArn"],
            Port=given["port"],
            Protocol=given["protocol"],
            DefaultActions=actions,
            Tags=tags(given),
        )
        return made["Listeners"][0]["ListenerArn"]

    def look(self, account: Account, ident: str, given: dict[str, Any]) -> dict[str, Any] | None:
        seen = gone(lambda: _elb(account).describe_listeners(ListenerArns=[ident]))
        return seen and {"arn": ident}

    def delete(self, account: Account, ident: str, known: dict[str, Any]) -> None:
        gone(lambda: _elb(account).delete_listener(ListenerArn=ident))


def behind(account: Account, name: str) -> list[str]:
    """The addresses of the machines behind the balancer of this DNS name.

    TCP passes through it: a client sees the machine's own certificate either way.
    """
    elb = _elb(account)
    found: list[str] = []
    for balancer in elb.describe_load_balancers()["LoadBalancers"]:
        if balancer["DNSName"].rstrip(".") != name.rstrip("."):
            continue
        for listener in elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])[
            "Listeners"
        ]:
            group = listener["DefaultActions"][0]["TargetGroupArn"]
            health = elb.describe_target_health(TargetGroupArn=group)
            ids = [one["Target"]["Id"] for one in health["TargetHealthDescriptions"]]
            found += [machines.address(account, ident) for ident in ids]
    return [one for one in found if one]


ALL: tuple[type[Kind], ...] = (LoadBalancer, TargetGroup, Attachment, Listener)
