"""Whether a load balancer on AWS has the new machine behind it, and the name leads to it.

What AWS answers can't be seen in the DNS alone: an alias is answered with the balancer's
addresses (Route 53's developer guide, "Choosing between alias and non-alias records").
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from botocore.exceptions import NoCredentialsError

from recovery.aws_api import aws_client, refusals
from recovery.errors import TargetError
from recovery.verify.facts import BalancerFacts

_LEAVING = "draining"
_EVERY = 2.0
_Seen = TypeVar("_Seen")


@dataclass(frozen=True)
class Behind:
    """What gets the balancer's clients: each target's id and state; ``reason`` is AWS's own."""

    states: dict[str, str]
    reason: str = ""

    def shortfall(self, instance: str) -> str:
        """What is wrong in a sentence; empty when the instance is healthy and alone."""
        others = sorted(set(self.states) - {instance})
        if others:
            return f"clients are sent to {', '.join(others)} as well, not to {instance} alone"
        state = self.states.get(instance, "not registered")
        because = f": {self.reason}" if self.reason else ""
        return "" if state == "healthy" else f"{instance} is {state}{because}"


@dataclass(frozen=True)
class BalancerEyes:
    """Asks AWS about one balancer; ``pause`` waits between two questions."""

    facts: BalancerFacts
    pause: Callable[[float], None] = field(default=time.sleep, repr=False)

    def behind(self) -> Behind:
        """What is behind it, once that is as it should be or ``facts.wait`` is over."""
        client = self._client("elbv2")
        return self.until(lambda: self._behind(client), self._is_settled)

    def alias(self, name: str) -> dict[str, str]:
        """Kind of record → the name that ``name`` is an alias to; empty where it is none."""
        client = self._client("route53")
        with refusals(f"zone {self.facts.zone}"):
            answer = client.list_resource_record_sets(
                HostedZoneId=self.facts.zone, StartRecordName=name, MaxItems="10"
            )
        found = {
            str(one["Type"]): str(one.get("AliasTarget", {}).get("DNSName", ""))
            for one in answer["ResourceRecordSets"]
            if _plain(one["Name"]) == _plain(name)
        }
        return {kind: _plain(found.get(kind, "")) for kind in self.facts.kinds}

    def is_alias_of(self, target: str) -> bool:
        """Whether a record's target is this balancer; the console puts ``dualstack.`` before it."""
        return _plain(target).removeprefix("dualstack.") == _plain(self.facts.dns_name)

    def until(self, look: Callable[[], _Seen], good: Callable[[_Seen], bool]) -> _Seen:
        """What ``look`` sees, as soon as it is good or the patience is over."""
        deadline = time.monotonic() + self.facts.wait
        while not good(seen := look()) and time.monotonic() < deadline:
            self.pause(_EVERY)
        return seen

    def _is_settled(self, seen: Behind) -> bool:
        # Without a listener there are no checks: waiting changes nothing.
        return not seen.shortfall(self.facts.instance) or "unused" in seen.states.values()

    def _behind(self, client: Any) -> Behind:
        with refusals(f"target group {self.facts.group}"):
            answer = client.describe_target_health(TargetGroupArn=self.facts.group)
        states: dict[str, str] = {}
        reason = ""
        for one in answer["TargetHealthDescriptions"]:
            ident, health = str(one["Target"]["Id"]), one["TargetHealth"]
            if health["State"] != _LEAVING or ident == self.facts.instance:
                states[ident] = str(health["State"])
            if ident == self.facts.instance:
                reason = str(health.get("Description", ""))
        return Behind(states, reason)

    def _client(self, service: str) -> Any:
        return aws_client(service, self.facts.region, profile=self.facts.profile)


def has_no_credentials(refused: TargetError) -> bool:
    """Whether AWS wasn't asked at all: the stack's provider has credentials of its own."""
    return isinstance(refused.__cause__, NoCredentialsError)


def _plain(name: str) -> str:
    return name.rstrip(".").lower()
