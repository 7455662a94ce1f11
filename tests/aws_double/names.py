"""Route 53's answers, told to a real name server: whoever asks that one gets what AWS would say."""

import threading

import dns.query
import dns.rcode

from aws_double.account import Account
from aws_double.kinds import balancer
from aws_double.kinds.kind import RefusedError

_LOCK = threading.Lock()
"""Records of one name change side by side; the name is read and told as a whole."""


def tell(account: Account, zone: str, name: str) -> None:
    """Publishes what moto's Route 53 says of ``name`` by RFC 2136, if there is a name server."""
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
        addresses += [one for alias in aliases for one in balancer.behind(account, alias)]
        ttl = min((one.get("TTL", 60) for one in ours), default=60)
        update = dns_update.publication(door, dns_update.Record(name, ttl, tuple(addresses)))
        host, port = dns_update.endpoint(door.server)
        answer = dns.query.tcp(update, host, port=port, timeout=10)
        if answer.rcode() != dns.rcode.NOERROR:
            raise RefusedError(
                f"the name server refused {name}: {dns.rcode.to_text(answer.rcode())}"
            )
