"""Which addresses a machine listens on, and where a name leads."""

import ipaddress
from typing import Any

import dns.exception
import dns.message
import dns.query
import dns.rdatatype

from recovery.errors import TargetError
from recovery.verify.facts import DnsFacts

_LISTEN = "0A"
_DNS_PORT = 53
_SECONDS = 5.0


def listening(tables: str) -> set[tuple[str, int]]:
    """(address, port) of the listening sockets in the text of ``/proc/net/tcp`` and ``tcp6``."""
    found = set()
    for line in tables.splitlines():
        words = line.split()
        if len(words) > 3 and words[3] == _LISTEN:  # noqa: PLR2004 - the state's column
            address, port = words[1].split(":")
            found.add((_address(address), int(port, 16)))
    return found


def _address(text: str) -> str:
    """The kernel prints addresses as 32-bit words in the machine's byte order (little-endian)."""
    raw = bytes.fromhex(text)
    swapped = b"".join(raw[at : at + 4][::-1] for at in range(0, len(raw), 4))
    parsed = ipaddress.ip_address(swapped)
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)


def is_loopback(address: str) -> bool:
    """Whether only the machine itself reaches ``address``; also as IPv4 inside IPv6."""
    parsed = ipaddress.ip_address(address)
    inside = getattr(parsed, "ipv4_mapped", None)
    return bool((inside or parsed).is_loopback)


def resolve(record: DnsFacts, host: Any) -> list[str]:
    """The addresses of ``record.name``: from its authoritative server, past every cache, or
    from the target's own resolver when none is named.

    Raises :class:`TargetError` when the name server doesn't answer.
    """
    if not record.nameserver:
        lines = host.run("getent ahostsv4 %s", record.name).stdout.splitlines()
        return sorted({line.split()[0] for line in lines if line.strip()})
    where, _, port = record.nameserver.partition(":")
    question = dns.message.make_query(record.name, dns.rdatatype.A)
    try:
        answer, _ = dns.query.udp_with_fallback(
            question, where, timeout=_SECONDS, port=int(port or _DNS_PORT)
        )
    except (OSError, dns.exception.DNSException) as silent:
        raise TargetError(
            f"the name server doesn't answer: {silent}", target=record.nameserver
        ) from silent
    sets = [found for found in answer.answer if found.rdtype == dns.rdatatype.A]
    return sorted(str(item) for found in sets for item in found)
