"""Route 53's answers, told to a real name server: whoever asks that one gets what AWS would say."""

import dataclasses
import threading
from typing import Any

import dns.query
import dns.rcode

from aws_double.account import Account
from aws_double.kinds import balancer
from aws_double.kinds.kind import RefusedError

_LOCK = threading.Lock()
"""Records of one name change side by side; the name is read and told as a whole."""


def tell(account: Account, zone: str, name: str) -> None:
    """Publishes what moto's Route 53 says of ``name`` by RFC 2136, if there is a name server.

    An alias gives the addresses behind its target, which has the same ones under its own name.
    """
    from recovery.infra import dns_update

    given = account.places.dns
    if not given:
        return
    door = dns_update.Door(**given)
    with _LOCK:
        records = account.client("route53").list_resource_record_sets(
            HostedZoneId=zone, StartRecordName=name, MaxItems="10"
        )["ResourceRecordSets"]
        ours = [
            one
            for one in records
            if one["Name"].rstrip(".") == name.rstrip(".") and one["Type"] in ("A", "AAAA")
        ]
        addresses = [value["Value"] for one in ours for value in one.get("ResourceRecords", [])]
        aliases = {one["AliasTarget"]["DNSName"] for one in ours if "AliasTarget" in one}
        ttl = min((one.get("TTL", 60) for one in ours), default=60)
        for alias in aliases:
            behind = balancer.behind(account, alias)
            addresses += behind
            own = dataclasses.replace(door, zone=account.places.balancers)
            _publish(own, dns_update.Record(alias, ttl, tuple(behind)))
        _publish(door, dns_update.Record(name, ttl, tuple(addresses)))


def _publish(door: Any, record: Any) -> None:
    from recovery.infra import dns_update

    host, port = dns_update.endpoint(door.server)
    answer = dns.query.tcp(dns_update.publication(door, record), host, port=port, timeout=10)
    if answer.rcode() != dns.rcode.NOERROR:
        said = dns.rcode.to_text(answer.rcode())
        raise RefusedError(f"the name server refused {record.name}: {said}")
