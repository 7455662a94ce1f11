"""Where clients are sent after a recovery without Pulumi: checked first, switched later."""

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Literal, NamedTuple, Protocol
from urllib.parse import urlsplit

from recovery.errors import BadInputError, RecoveryError, TargetError
from recovery.infra.dns_update import Door, Record, endpoint, publish, zone_of
from recovery.restore.request import Outcome
from recovery.switch.dns_name import DnsName
from recovery.switch.fail_over import fail_over, read_address
from recovery.switch.open import open_switch, read_tsig_key
from recovery.switch.protocol import Switch
from recovery.verify.facts import DnsFacts

Say = Callable[[str], None]


class Sent(NamedTuple):
    """Whether the clients are led to the new server, and what is to be heard of it."""

    there: bool
    address: str
    findings: list[str]

    @property
    def outcome(self) -> Outcome:
        """As a step's, for the table, the JSON and the verdict."""
        status: Literal["done", "skipped"] = "done" if self.there else "skipped"
        detail = f"{'to' if self.there else 'not to'} {self.address}"
        return Outcome(
            step="send the clients", status=status, detail=detail, findings=self.findings
        )


class Sending(Protocol):
    """How the clients come to the new server."""

    @property
    def facts(self) -> DnsFacts | None:
        """What the proof holds the name to; None where no name decides."""

    def send(self, say: Say, port: int) -> Sent:
        """Sends them there. ``port``: the new server's frontend's.

        What hinders it is said at once, and a finding: the server is up, and its archives are
        worth importing all the same.
        """


@dataclass(frozen=True)
class NameRecord:
    """A record to be published by a door: whatever was there is replaced."""

    door: Door
    record: Record

    @property
    def facts(self) -> DnsFacts:
        return DnsFacts(
            name=self.record.name, address=self.record.addresses[0], nameserver=self.door.server
        )

    def send(self, say: Say, port: int) -> Sent:
        """Publishes it."""
        del port
        record = self.record
        try:
            publish(self.door, record)
        except TargetError as hindered:
            return _not_sent(record.addresses[0], hindered, "run the same command again", say)
        say(f"switch the name: {record.name} → {record.addresses[0]}")
        return Sent(True, record.addresses[0], [])


@dataclass(frozen=True)
class AnySwitch:
    """Any switch that `recovery failover` knows, with its look beforehand and its way back."""

    switch: Switch
    address: str
    max_ttl: int = 300

    @property
    def facts(self) -> DnsFacts | None:
        if not isinstance(self.switch, DnsName):
            return None
        door = self.switch.door
        return DnsFacts(name=self.switch.host, address=self.address, nameserver=door.server)

    def send(self, say: Say, port: int) -> Sent:
        """Switches once the new server answers there."""
        try:
            done = fail_over(self.switch, self.address, port=port, max_ttl=self.max_ttl, say=say)
        except RecoveryError as hindered:
            again = (
                f"`recovery failover --switch … --to {self.address}` (with --unchecked it doesn't "
                "ask the server first)"
            )
            return _not_sent(self.address, hindered, again, say)
        return Sent(True, self.address, list(done.findings))


def _not_sent(address: str, hindered: RecoveryError, again: str, say: Say) -> Sent:
    finding = f"the clients were not sent to {address}: {hindered.message}; mend it, then {again}"
    say(finding)
    return Sent(False, address, [finding])


def read_sending(switch: str, address: str, to: str, record: NameRecord | None) -> Sending | None:
    """From ``--switch`` (or a record) to how clients are sent; None when that is left to others.

    ``to``: the target, whose address is taken where none is given. Raises
    :class:`BadInputError` when both ways are given, or no address is known.
    """
    if not switch:
        return record
    if record:
        raise BadInputError(
            "--switch and --name are two ways to the same", target="--switch", hint="give one"
        )
    where = address or address_of(to)
    if not where:
        raise BadInputError(
            "--switch needs --address: the target's own address isn't known",
            target="--address",
            hint="give the new server's address, as clients reach it",
        )
    return AnySwitch(open_switch(switch), read_address(where, "--address"))


def address_of(target: str) -> str:
    """The host of an ``ssh://`` target where that is an address; else empty."""
    host = urlsplit(target).hostname or ""
    try:
        return str(ip_address(host)) if target.startswith("ssh://") else ""
    except ValueError:
        return ""


def read_record(
    name: str, address: str, server: str, zone: str, key: Path | None, ttl: int
) -> NameRecord | None:
    """From the options to a :class:`NameRecord`; None when no name is to be switched.

    Raises :class:`BadInputError` when something needed is missing or malformed.
    """
    if not name and not server:
        return None
    for value, option in ((name, "--name"), (server, "--dns-server"), (address, "--address")):
        if not value:
            raise BadInputError(
                "switching the name needs --name, --address and --dns-server",
                target=option,
                hint="give all three; or none, and change the name yourself afterwards",
            )
    try:
        ip_address(address)
    except ValueError:
        raise BadInputError(
            f"not an address: {address!r}",
            target="--address",
            hint="give the new server's IP address, not a name",
        ) from None
    endpoint(server)
    algorithm, key_name, secret = read_tsig_key(key) if key else ("hmac-sha256", "", "")
    door = Door(server, zone_of(name, zone), key_name, secret, algorithm)
    return NameRecord(door, Record(name, ttl, (address,)))
