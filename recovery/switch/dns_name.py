"""A DNS name as a switch: RFC 2136 with TSIG, by the door in :mod:`recovery.infra.dns_update`."""

from dataclasses import dataclass

from recovery.infra.dns_update import Door, Record, look_up, publish


@dataclass(frozen=True)
class DnsName:
    """``host`` in the zone behind ``door``; ``new_ttl`` (seconds) is what :meth:`to` publishes."""

    door: Door
    host: str
    new_ttl: int = 60

    @property
    def name(self) -> str:
        return f"{self.host} (DNS)"

    @property
    def ttl(self) -> int:
        """The published record's, as resolvers keep it; the new one's where there is none."""
        seen = look_up(self.door, self.host)
        return seen.ttl if seen else self.new_ttl

    def current(self) -> str:
        """The record's IPv4 address, else its IPv6 one."""
        seen = look_up(self.door, self.host)
        return (*seen.of("A"), *seen.of("AAAA"), "")[0] if seen else ""

    def to(self, address: str) -> None:
        """Publishes ``address`` alone: an AAAA of the other server goes."""
        publish(self.door, Record(self.host, self.new_ttl, (address,)))
