"""What the checks hold a server to: plain values, no secrets, the same for every target."""

import hashlib
import ipaddress
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from recovery.errors import BadInputError
from recovery.velociraptor.config import ServerConfig

_KEYS = (
    ("CA", "private_key"),
    ("Client", "ca_certificate"),
    ("Client", "nonce"),
    ("Frontend", "certificate"),
    ("Frontend", "private_key"),
    ("GUI", "gw_certificate"),
    ("GUI", "gw_private_key"),
    ("", "obfuscation_nonce"),
)
"""The key material of a server (facts: Configuration and keys)."""


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class BalancerFacts(_Frozen):
    """A load balancer that the name leads to instead of the machine, and what stands behind it.

    ``group``: the ARN of its target group; ``instance``: the only one that may be in it; ``zone``:
    the id of the Route 53 zone; ``profile``: whose credentials ask AWS (empty: the environment's).
    """

    dns_name: str
    group: str
    instance: str
    zone: str
    region: str = ""
    profile: str = ""
    kinds: list[str] = ["A"]
    """The records that are aliases to it: ``A`` and ``AAAA``."""
    wait: float = 180.0
    """Seconds that it may take to find the instance healthy, and its own name to be known."""


class DnsFacts(_Frozen):
    """A record that has to point to the new server: to ``address``, and to nothing else.

    ``address6``: what must be published for IPv6 beside an IPv4 ``address`` ("": nothing may be;
    a lost server's AAAA would still lead there); None: not looked at. ``nameserver``: the
    authoritative one's address (``:port`` if not 53) or host name; without one, the target's own
    resolver is asked. ``balancer``: the name has to lead there, and it to the machine.
    """

    name: str
    address: str
    address6: str | None = None
    nameserver: str = ""
    balancer: BalancerFacts | None = None

    @property
    def wanted(self) -> list[str]:
        """Every address that the name has to lead to."""
        given = (self.address, self.address6)
        return sorted({str(ipaddress.ip_address(one)) for one in given if one})


class ServerFacts(_Frozen):
    """One server as it should be. Empty means unknown: the check is skipped and says so."""

    folders: list[str]
    """The datastore's, and the file store's where it is another one."""
    frontend_port: int
    api_port: int
    config_fingerprint: str
    """SHA-256 of the captured configuration; empty for a first deployment."""
    settings: dict[str, str] = {}
    """``Section.key…`` → SHA-256 of each setting in it, to name those that differ."""
    keys: dict[str, str]
    """``Section.key`` → SHA-256 of the key material in the captured configuration."""
    named: dict[str, str] | None = None
    """Path → SHA-256 of the captured files that the configuration names; None where unknown."""
    package_version: str = ""
    server_version: str = ""
    clients: dict[str, dict[str, str]] = {}
    """org → client id → digest of host name and system, as captured; orgs that are served."""
    unserved: list[str] = []
    """Orgs whose clients the chosen strategy can't let in again."""
    since: datetime | None = None
    """Clients must have been seen after this; without it, after the service's start."""
    wait: float = 0.0
    """Seconds that the clients may take to be seen."""
    clients_sent: bool = True
    """Whether they have been led to this machine."""
    dns: DnsFacts | None = None


def key_digests(config: ServerConfig) -> dict[str, str]:
    """``Section.key`` → SHA-256 of each piece of key material that is in the config."""
    return dict(_digests(config))


def setting_digests(config: ServerConfig) -> dict[str, str]:
    """``Section.key…`` → SHA-256 of each setting that is no section; lists count as one."""
    return dict(_leaves(config.values, ""))


def _leaves(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}".lstrip("."))
    else:
        yield path, hashlib.sha256(repr(value).encode()).hexdigest()


def _digests(config: ServerConfig) -> Iterator[tuple[str, str]]:
    for section, key in _KEYS:
        part = config.values.get(section) or {} if section else config.values
        value = part.get(key) if isinstance(part, dict) else None
        if value:
            text = str(value).strip().encode()
            yield f"{section}.{key}".lstrip("."), hashlib.sha256(text).hexdigest()


def parse_dns(text: str) -> DnsFacts:
    """``NAME=ADDRESS`` or ``NAME=ADDRESS@NAMESERVER[:PORT]``; :class:`BadInputError` otherwise."""
    name, _, rest = text.partition("=")
    address, _, nameserver = rest.partition("@")
    try:
        ipaddress.ip_address(address)
        if nameserver:
            ipaddress.ip_address(nameserver.partition(":")[0])
    except ValueError as wrong:
        raise BadInputError(
            f"{wrong}", target="--dns", hint="NAME=ADDRESS@NAMESERVER, the latter two as numbers"
        ) from wrong
    if not name:
        raise BadInputError("no name before the `=`", target="--dns")
    return DnsFacts(name=name, address=address, nameserver=nameserver)
