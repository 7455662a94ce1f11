"""An AWS target group as a switch: the load balancer before it stays as it is.

The new server is registered first (so that a wrong one is refused before anything is lost), the
others are taken out at once: a new target gets no client before its health checks pass.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

from recovery.aws_api import refusals
from recovery.errors import BadInputError, TargetError

_STEP = "switch the target group"
_HEALTHY_WITHIN = 180.0
_EVERY = 2.0
_LEAVING = ("draining",)
_BY_ADDRESS = {
    4: ("private-ip-address", "ip-address"),
    6: ("network-interface.ipv6-addresses.ipv6-address",),
}
"""By the address's version, the EC2 filters that find a machine by its address."""


def targets_of(health: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The targets that get clients, or will: those that are not on their way out."""
    return [one["Target"] for one in health if one["TargetHealth"]["State"] not in _LEAVING]


@dataclass(frozen=True)
class TargetGroup:
    """The group ``arn``; ``port`` of the new server, 0 for the group's own.

    ``machines`` is an EC2 client, to find the instance behind an address where the group's
    targets are instances.
    """

    client: Any = field(repr=False)
    machines: Any = field(repr=False)
    arn: str
    port: int = 0

    @property
    def name(self) -> str:
        return f"{self.arn.rpartition(':')[2]} (AWS)"

    @property
    def ttl(self) -> int:
        """How long connections to the old server may go on: the group's deregistration delay."""
        with refusals(self.name, _STEP):
            answer = self.client.describe_target_group_attributes(TargetGroupArn=self.arn)
        values = {item["Key"]: item["Value"] for item in answer["Attributes"]}
        if values.get("deregistration_delay.connection_termination.enabled") == "true":
            return 0
        return int(values.get("deregistration_delay.timeout_seconds", "300"))

    def current(self) -> str:
        """Where clients go: addresses or instance ids, by commas when there are several."""
        return ",".join(target["Id"] for target in targets_of(self._health()))

    def to(self, address: str) -> None:
        """Sends the clients to ``address`` (or an instance id); returns once it is healthy."""
        new = {"Id": self._identity(address), **({"Port": self.port} if self.port else {})}
        with refusals(self.name, _STEP):
            self.client.register_targets(TargetGroupArn=self.arn, Targets=[new])
        others = [
            {"Id": target["Id"], "Port": target["Port"]}
            for target in targets_of(self._health())
            if target["Id"] != new["Id"] or (self.port and target["Port"] != self.port)
        ]
        if others:
            with refusals(self.name, _STEP):
                self.client.deregister_targets(TargetGroupArn=self.arn, Targets=others)
        self._wait_healthy(str(new["Id"]))

    def _wait_healthy(self, ident: str) -> None:
        deadline = time.monotonic() + _HEALTHY_WITHIN
        while True:
            states = {one["Target"]["Id"]: one["TargetHealth"] for one in self._health()}
            seen = states.get(ident, {"State": "not registered"})
            if seen["State"] == "healthy":
                return
            # No listener forwards to the group: it has no checks, and no clients either.
            if time.monotonic() > deadline or seen["State"] == "unused":
                raise TargetError(
                    f"{ident} is the only target now, but {seen['State']}: "
                    f"{seen.get('Description', 'no reason is given')}",
                    step=_STEP,
                    target=self.name,
                    hint="is the service up, and may the load balancer reach it "
                    "(security group, port)? `recovery failover --back` goes back",
                )
            time.sleep(_EVERY)

    def _identity(self, address: str) -> str:
        with refusals(self.name, _STEP):
            answer = self.client.describe_target_groups(TargetGroupArns=[self.arn])
        kind = answer["TargetGroups"][0]["TargetType"]
        if kind == "ip" or address.startswith("i-"):
            return address
        if kind != "instance":
            raise BadInputError(
                f"its targets are of type {kind}, not machines", step=_STEP, target=self.name
            )
        return self._instance(str(ip_address(address)))

    def _instance(self, address: str) -> str:
        for name in _BY_ADDRESS[ip_address(address).version]:
            wanted = [{"Name": name, "Values": [address]}]
            with refusals(self.name, _STEP):
                answer = self.machines.describe_instances(Filters=wanted)
            for reservation in answer["Reservations"]:
                for instance in reservation["Instances"]:
                    return str(instance["InstanceId"])
        raise BadInputError(
            f"no instance has the address {address}",
            step=_STEP,
            target=self.name,
            hint="give the instance's id: --to i-0123456789abcdef0",
        )

    def _health(self) -> list[dict[str, Any]]:
        with refusals(self.name, _STEP):
            answer = self.client.describe_target_health(TargetGroupArn=self.arn)
        return list(answer["TargetHealthDescriptions"])
