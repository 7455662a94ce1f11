"""A server's name in an authoritative DNS server: RFC 2136 with TSIG. Nothing of Pulumi here.

The record set is published whole: an AAAA of the lost server is taken away where the new one
has no IPv6 address, or clients would go on asking a machine that is gone.
"""

import base64
from dataclasses import dataclass
from typing import Literal

import dns.exception
import dns.flags
import dns.inet
import dns.message
import dns.query
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.tsig
import dns.tsigkeyring
import dns.update

from recovery.errors import BadInputError, RecoveryError, TargetError

_STEP = "switch the DNS record"
_TIMEOUT = 10.0
_NOT_PRIMARY = "the server isn't the primary of this zone, or wants another TSIG key"
_NOT_ITS_ZONE = "is this the authoritative server of the name's zone, and the name right?"
_ALIAS = "name that one: an address can't be published beside an alias. Nothing was changed"
_HINTS = {
    dns.rcode.NOTAUTH: _NOT_PRIMARY,
    dns.rcode.NOTZONE: "the name isn't inside the zone; set recovery:dnsZone",
    dns.rcode.REFUSED: "the server's access rules (allow-update, acl) don't let this key change it",
    dns.rcode.SERVFAIL: "look into the name server's log",
}
_KINDS: tuple[Literal["A", "AAAA"], ...] = ("A", "AAAA")


@dataclass(frozen=True)
class Door:
    """The authoritative server and the key it wants; ``secret`` is base64, never printed."""

    server: str
    zone: str
    key_name: str = ""
    key_secret: str = ""
    key_algorithm: str = "hmac-sha256"

    def __repr__(self) -> str:
        return f"Door(server={self.server!r}, zone={self.zone!r}, key_name={self.key_name!r})"


@dataclass(frozen=True)
class Record:
    """What a name says: its IPv4 and IPv6 addresses; ``ttl`` is how long others may keep them."""

    name: str
    ttl: int
    addresses: tuple[str, ...]

    def of(self, kind: str) -> tuple[str, ...]:
        """The addresses of kind ``A`` or ``AAAA``, sorted."""
        return tuple(sorted(one for one in self.addresses if (":" in one) == (kind == "AAAA")))


def zone_of(name: str, zone: str) -> str:
    """The zone given, or the name without its first label."""
    return zone or name.rstrip(".").partition(".")[2]


def publication(door: Door, record: Record) -> dns.update.UpdateMessage:
    """The update that makes the name say exactly ``record``: every other A and AAAA goes."""
    update = _signed(door)
    name = _absolute(record.name)
    for kind in _KINDS:
        update.delete(name, kind)
        for address in record.of(kind):
            update.add(name, record.ttl, kind, address)
    return update


def withdrawal(door: Door, record: Record) -> dns.update.UpdateMessage:
    """The update that deletes the name's addresses, only if it still says exactly ``record``.

    The server checks and deletes in one step (RFC 2136, 3.2.3): a name that another stack
    has taken over meanwhile stays as it is.
    """
    update = _signed(door)
    name = _absolute(record.name)
    for kind in _KINDS:
        if not record.of(kind):
            update.absent(name, kind)
        for address in record.of(kind):
            update.present(name, kind, address)
        update.delete(name, kind)
    return update


def publish(door: Door, record: Record) -> None:
    """Sends the update and asks the server for the result.

    Raises :class:`TargetError` when the server can't be reached or refuses.
    """
    _send(door, publication(door, record))
    seen = look_up(door, record.name)
    if seen is None or any(seen.of(kind) != record.of(kind) for kind in _KINDS):
        raise _failed(
            door, f"the server took the update, but {record.name} says {seen and seen.addresses}"
        )


def withdraw(door: Door, record: Record) -> bool:
    """Deletes the record if it is still this one; False when it says something else by now."""
    try:
        _send(door, withdrawal(door, record))
    except _NotOursError:
        return False
    return True


def look_up(door: Door, name: str) -> Record | None:
    """What the authoritative server itself says (no cache); None when the name has no address."""
    ttl = 0
    addresses: list[str] = []
    for kind in _KINDS:
        query = dns.message.make_query(_absolute(name), kind)
        query.flags &= ~dns.flags.RD
        answer = _exchange(door, query)
        if answer.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
            raise _failed(door, f"asked for {name}, it answers {_rcode(answer)}", _NOT_ITS_ZONE)
        for found in answer.answer:
            if found.rdtype == dns.rdatatype.CNAME:
                # A server ignores an address beside an alias without a word (RFC 2136, 3.4.2.2).
                raise _failed(door, f"{name} is an alias (CNAME) of {found[0].target}", _ALIAS)
            if found.rdtype == dns.rdatatype.from_text(kind):
                ttl = found.ttl
                addresses += [item.to_text() for item in found]
    return Record(name, ttl, tuple(addresses)) if addresses else None


class _NotOursError(RecoveryError):
    """A prerequisite of the update does not hold."""


def _send(door: Door, update: dns.update.UpdateMessage) -> None:
    answer = _exchange(door, update)
    code = answer.rcode()
    if code in (dns.rcode.NXRRSET, dns.rcode.YXRRSET, dns.rcode.NXDOMAIN):
        raise _NotOursError("the record is another one by now", step=_STEP, target=door.server)
    if code != dns.rcode.NOERROR:
        raise _failed(door, f"the update was refused: {_rcode(answer)}", _HINTS.get(code, ""))


def _exchange(door: Door, message: dns.message.Message) -> dns.message.Message:
    host, port = endpoint(door.server)
    try:
        return dns.query.tcp(message, host, port=port, timeout=_TIMEOUT)
    except dns.tsig.PeerError as refused:
        raise _failed(
            door,
            f"it does not accept the TSIG key {door.key_name}: {type(refused).__name__}",
            "check the key (recovery:dnsKeyName, dnsKeySecret, dnsKeyAlgorithm, or the file that "
            "the switch names), and both clocks",
        ) from refused
    except dns.exception.FormError as unsigned:
        raise _failed(door, f"no signed answer: {unsigned}", _NOT_PRIMARY) from unsigned
    except (OSError, dns.exception.DNSException) as refused:
        raise _failed(
            door,
            f"no answer: {refused or type(refused).__name__}",
            f"is it up, and is TCP port {port} open from here? The record is as it was",
        ) from refused


def endpoint(server: str) -> tuple[str, int]:
    """Address and port of ``ADDRESS``, ``ADDRESS:PORT`` or ``[V6]:PORT``; port 53 if none."""
    host, port = server, "53"
    if server.startswith("["):
        host, _, rest = server[1:].partition("]")
        port = rest.lstrip(":") or port
    elif server.count(":") == 1:
        host, port = server.split(":")
    if not dns.inet.is_address(host) or not port.isdigit():
        raise BadInputError(
            f"not the address of a name server: {server!r}",
            step=_STEP,
            hint="set recovery:dnsServer to an IP address, ADDRESS:PORT or [IPv6]:PORT",
        )
    return host, int(port)


def _signed(door: Door) -> dns.update.UpdateMessage:
    if not door.key_name:
        return dns.update.UpdateMessage(_absolute(door.zone))
    try:
        base64.b64decode(door.key_secret, validate=True)  # dnspython itself skips what is none
        keyring = dns.tsigkeyring.from_text({_absolute(door.key_name): door.key_secret})
    except ValueError as wrong:
        raise BadInputError(
            "the TSIG key is not base64",
            step=_STEP,
            target=door.server,
            hint="set it again: pulumi config set --secret dnsKeySecret",
        ) from wrong
    return dns.update.UpdateMessage(
        _absolute(door.zone), keyring=keyring, keyalgorithm=f"{door.key_algorithm}."
    )


def _absolute(name: str) -> str:
    return name.rstrip(".") + "."


def _rcode(answer: dns.message.Message) -> str:
    return dns.rcode.to_text(answer.rcode())


def _failed(door: Door, message: str, hint: str = "") -> TargetError:
    return TargetError(message, step=_STEP, target=f"name server {door.server}", hint=hint)
