"""The DNS record of a server that is rebuilt without Pulumi: checked first, switched later."""

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from recovery.errors import BadInputError
from recovery.infra.dns_update import Door, Record, endpoint, publish, zone_of
from recovery.switch.open import read_tsig_key
from recovery.verify.facts import DnsFacts


@dataclass(frozen=True)
class Switch:
    """A record to be published by a door."""

    door: Door
    record: Record

    @property
    def facts(self) -> DnsFacts:
        """What the proof holds the name to."""
        return DnsFacts(
            name=self.record.name, address=self.record.addresses[0], nameserver=self.door.server
        )

    def publish(self, say: Callable[[str], None]) -> None:
        """Switches the name; :class:`recovery.errors.TargetError` when the server refuses."""
        publish(self.door, self.record)
        say(f"switch the name: {self.record.name} → {self.record.addresses[0]}")


def read_switch(
    name: str, address: str, server: str, zone: str, key: Path | None, ttl: int
) -> Switch | None:
    """From the options to a :class:`Switch`; None when no name is to be switched.

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
    return Switch(door, Record(name, ttl, (address,)))
