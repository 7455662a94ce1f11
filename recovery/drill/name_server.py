"""A real authoritative name server (knot) in the drill's network: RFC 2136, TSIG, short TTL."""

import base64
import secrets
import time
from dataclasses import dataclass, field
from typing import ClassVar

import dns.exception
import dns.message
import dns.query
import dns.rdatatype

from recovery.drill import engine
from recovery.drill.names import Run
from recovery.drill.network import Isolated
from recovery.errors import TargetError

TTL = 1
"""Seconds: clients of a drill find the new address at once."""
ALGORITHM = "hmac-sha256"
_READY = 15.0
_FOLDER = "/etc/knot"


@dataclass(frozen=True)
class NameServer:
    """Where it answers, and the key that may change the zone (and ``others``, empty at first)."""

    HOST: ClassVar[int] = 53
    """Its number in the drill's subnet."""
    address: str
    zone: str
    key_name: str
    key_secret: str = field(repr=False)
    others: tuple[str, ...] = ()

    @property
    def zones(self) -> tuple[str, ...]:
        return (self.zone, *self.others)


def start_name_server(
    run: Run, network: Isolated, image: str, others: tuple[str, ...] = ()
) -> NameServer:
    """Starts knot for the drill's zones, with a TSIG key of this run; returns when it answers."""
    secret = base64.b64encode(secrets.token_bytes(32)).decode()
    address = network.address(NameServer.HOST)
    server = NameServer(address, run.zone, run.key_name, secret, others)
    command = ["knotd", "-c", f"{_FOLDER}/drill.conf"]
    spec = engine.Spec("dns", image, command, network.name, address=server.address)
    name = engine.create(run, spec)
    files = {
        "drill.conf": knot_config(server).encode(),
        **{f"{zone}.zone": zone_file(server, zone).encode() for zone in server.zones},
    }
    engine.put_files(name, _FOLDER, files, 0o600)
    engine.start(name)
    _wait(server, name)
    return server


def knot_config(server: NameServer) -> str:
    """The configuration: its zones, changed by whoever holds the key, and by nobody else."""
    zones = "".join(
        f"""\
  - domain: {zone}.
    storage: {_FOLDER}
    file: {zone}.zone
    acl: update
"""
        for zone in server.zones
    )
    return f"""\
server:
  listen: 0.0.0.0@53
  user: root:root
  rundir: /run
log:
  - target: stderr
    any: warning
key:
  - id: {server.key_name}.
    algorithm: {ALGORITHM}
    secret: {server.key_secret}
acl:
  - id: update
    key: {server.key_name}.
    action: update
zone:
{zones}"""


def zone_file(server: NameServer, zone: str) -> str:
    """A zone before the first server: its own records only."""
    return f"""\
$ORIGIN {zone}.
$TTL {TTL}
@ SOA ns.{zone}. hostmaster.{zone}. 1 60 30 3600 {TTL}
@ NS ns.{zone}.
ns A {server.address}
"""


def look_up(server: NameServer, name: str) -> str:
    """The address that the name server itself says (UDP, no cache); empty when it has none."""
    query = dns.message.make_query(f"{name}.", "A")
    answer = dns.query.udp(query, server.address, timeout=2)
    for found in answer.answer:
        if found.rdtype == dns.rdatatype.A:
            return str(found[0].to_text())
    return ""


def _wait(server: NameServer, container: str) -> None:
    deadline = time.monotonic() + _READY
    while time.monotonic() < deadline:
        try:
            if look_up(server, f"ns.{server.zone}") == server.address:
                return
        except (OSError, dns.exception.DNSException):
            time.sleep(0.05)
    raise TargetError(
        f"the name server did not answer within {_READY:g} s",
        target=f"{container} at {server.address}",
        hint=f"its last words: {engine.logs(container, 5).strip() or 'none'}",
    )
