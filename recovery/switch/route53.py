"""A name in Route 53 as a switch: A or AAAA, changed in one batch, awaited until it is in sync."""

import time
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any

from recovery.aws_api import refusals
from recovery.errors import BadInputError, TargetError

_STEP = "switch the Route 53 record"
_KINDS = ("A", "AAAA")
_ALIAS_TTL = 60
"""What Route 53 answers for an alias to a load balancer (its documentation)."""
_IN_SYNC_WITHIN = 300.0

Records = list[dict[str, Any]]


def batch(records: Records, name: str, address: str, ttl: int) -> dict[str, Any]:
    """The change that makes ``name`` say ``address`` alone: the other family's record goes.

    Raises ValueError for records with a routing policy: which of them to change isn't known.
    """
    if any("SetIdentifier" in record for record in records):
        raise ValueError("the name has several records with a routing policy (SetIdentifier)")
    kind = "AAAA" if ip_address(address).version == 6 else "A"  # noqa: PLR2004
    wanted = {
        "Name": name,
        "Type": kind,
        "TTL": ttl,
        "ResourceRecords": [{"Value": address}],
    }
    gone = [record for record in records if record["Type"] != kind]
    return {
        "Comment": "velociraptor recovery: failover",
        "Changes": [
            *({"Action": "DELETE", "ResourceRecordSet": record} for record in gone),
            {"Action": "UPSERT", "ResourceRecordSet": wanted},
        ],
    }


@dataclass(frozen=True)
class Route53Record:
    """``host`` in ``zone`` (an id, or a domain's name); ``new_ttl`` is published."""

    client: Any = field(repr=False)
    host: str
    zone: str
    new_ttl: int = 60

    @property
    def name(self) -> str:
        return f"{self.host} (Route 53)"

    @property
    def ttl(self) -> int:
        records = self._records()
        if not records:
            return self.new_ttl
        return max(int(record.get("TTL", _ALIAS_TTL)) for record in records)

    def current(self) -> str:
        """The first address; the load balancer's name when the record is an alias to one."""
        for record in self._records():
            for value in record.get("ResourceRecords", []):
                return str(value["Value"])
            if "AliasTarget" in record:
                return str(record["AliasTarget"]["DNSName"]).rstrip(".")
        return ""

    def to(self, address: str) -> None:
        try:
            change = batch(self._records(), f"{self.host}.", address, self.new_ttl)
        except ValueError as wrong:
            raise BadInputError(
                f"{wrong}: {address}" if "routing" not in str(wrong) else str(wrong),
                step=_STEP,
                target=self.name,
                hint="change the record of this server in Route 53 itself",
            ) from wrong
        with refusals(self.name, _STEP):
            made = self.client.change_resource_record_sets(
                HostedZoneId=self._zone_id(), ChangeBatch=change
            )
            self._wait(made["ChangeInfo"]["Id"])

    def _wait(self, change: str) -> None:
        deadline = time.monotonic() + _IN_SYNC_WITHIN
        while self.client.get_change(Id=change)["ChangeInfo"]["Status"] != "INSYNC":
            if time.monotonic() > deadline:
                raise TargetError(
                    f"Route 53 took the change, but has it not in sync after {_IN_SYNC_WITHIN:g} s",
                    step=_STEP,
                    target=self.name,
                    hint=f"`aws route53 get-change --id {change}` tells when it is",
                )
            time.sleep(2)

    def _records(self) -> Records:
        with refusals(self.name, _STEP):
            answer = self.client.list_resource_record_sets(
                HostedZoneId=self._zone_id(), StartRecordName=f"{self.host}.", MaxItems="10"
            )
        wanted = f"{self.host}.".lower()
        return [
            record
            for record in answer["ResourceRecordSets"]
            if record["Name"].lower() == wanted and record["Type"] in _KINDS
        ]

    def _zone_id(self) -> str:
        if "." not in self.zone:
            return self.zone
        with refusals(self.name, _STEP):
            answer = self.client.list_hosted_zones_by_name(DNSName=self.zone, MaxItems="10")
        domain = self.zone.rstrip(".").lower() + "."
        found = [
            str(zone["Id"]).rpartition("/")[2]
            for zone in answer["HostedZones"]
            if zone["Name"].lower() == domain and not zone["Config"].get("PrivateZone")
        ]
        if len(found) != 1:
            raise BadInputError(
                f"{len(found)} public zones are named {domain}",
                step=_STEP,
                target=self.name,
                hint="name the zone by its id: ?zone=Z0123456789ABC",
            )
        return found[0]
