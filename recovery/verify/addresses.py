"""Which addresses only the machine itself reaches, and where a name leads."""

import ipaddress
import socket
from typing import Any

import dns.exception
import dns.message
import dns.query
import dns.rdatatype

from recovery.errors import TargetError
from recovery.verify.balancer import BalancerEyes
from recovery.verify.facts import DnsFacts

_DNS_PORT = 53
_SECONDS = 5.0


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
        found: set[str] = set()
        for kind in kinds(record):
            table = "ahostsv6" if kind == "AAAA" else "ahostsv4"
            lines = host.run(f"getent {table} %s", record.name).stdout.splitlines()
            # ahostsv6 shows an IPv4 address as one mapped into IPv6.
            found |= {line.split()[0] for line in lines if line.strip() and "::ffff:" not in line}
        return sorted(found)
    return sorted(address for kind in kinds(record) for address in _ask(record, kind))


def led_to(record: DnsFacts, host: Any) -> tuple[list[str], list[str]]:
    """The addresses that the name leads to, and those that it has to lead to.

    Behind a load balancer the latter are the IPv4 addresses that the target's own resolver
    knows it by; they are waited for, since a new balancer's name appears after some time.
    """
    if record.balancer is None:
        return resolve(record, host), record.wanted
    name = record.balancer.dns_name
    own = DnsFacts(name=name, address="")
    eyes = BalancerEyes(record.balancer)
    wanted = eyes.until(lambda: resolve(own, host), bool)
    asked = record.model_copy(update={"address": "", "address6": None})
    return resolve(asked, host), wanted


def kinds(record: DnsFacts) -> tuple[str, ...]:
    """The kinds of records to ask for: what ``address`` is, and AAAA where that is known too."""
    first = "AAAA" if ":" in record.address else "A"
    return (first,) if record.address6 is None or first == "AAAA" else ("A", "AAAA")


def _ask(record: DnsFacts, kind: str) -> set[str]:
    where, port = _endpoint(record.nameserver)
    wanted = dns.rdatatype.from_text(kind)
    question = dns.message.make_query(record.name, wanted)
    try:
        numeric = socket.getaddrinfo(where, port, type=socket.SOCK_DGRAM)[0][4][0]
        answer, _ = dns.query.udp_with_fallback(question, str(numeric), timeout=_SECONDS, port=port)
    except (OSError, dns.exception.DNSException) as silent:
        raise TargetError(
            f"the name server doesn't answer: {silent}", target=record.nameserver
        ) from silent
    return {str(item) for found in answer.answer if found.rdtype == wanted for item in found}


def _endpoint(nameserver: str) -> tuple[str, int]:
    """(host, port) of ``HOST``, ``HOST:PORT``, an IPv6 address, or ``[IPv6]:PORT``."""
    if nameserver.startswith("["):
        host, _, rest = nameserver[1:].partition("]")
        return host, int(rest.lstrip(":") or _DNS_PORT)
    if nameserver.count(":") > 1:
        return nameserver, _DNS_PORT
    host, _, port = nameserver.partition(":")
    return host, int(port or _DNS_PORT)


def is_numeric(nameserver: str) -> bool:
    """Whether a name server is named by its address, not by a host name."""
    try:
        ipaddress.ip_address(_endpoint(nameserver)[0])
    except ValueError:
        return False
    return True
