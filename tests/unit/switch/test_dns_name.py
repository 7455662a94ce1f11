"""A DNS name as a switch: what it reads from the record, and what it publishes."""

import pytest

from recovery.infra.dns_update import Door, Record
from recovery.switch import dns_name
from recovery.switch.dns_name import DnsName
from recovery.switch.protocol import Switch

DOOR = Door("192.0.2.53", "example.test")


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> dict[str, Record]:
    """The zone's records, by name: an authoritative server as the door shows it."""
    zone: dict[str, Record] = {}
    monkeypatch.setattr(dns_name, "look_up", lambda _door, name: zone.get(name))
    monkeypatch.setattr(
        dns_name, "publish", lambda _door, record: zone.update({record.name: record})
    )
    return zone


def test_a_name_without_a_record_points_nowhere_yet(published: dict[str, Record]) -> None:
    switch: Switch = DnsName(DOOR, "velo.example.test", 30)
    assert (switch.current(), switch.ttl, switch.name) == ("", 30, "velo.example.test (DNS)")


def test_switching_publishes_the_address_alone(published: dict[str, Record]) -> None:
    published["velo.example.test"] = Record("velo.example.test", 300, ("192.0.2.1", "2001:db8::1"))
    switch = DnsName(DOOR, "velo.example.test", 30)
    assert (switch.current(), switch.ttl) == ("192.0.2.1", 300)
    switch.to("192.0.2.2")
    assert published["velo.example.test"] == Record("velo.example.test", 30, ("192.0.2.2",))
    assert (switch.current(), switch.ttl) == ("192.0.2.2", 30)


def test_a_name_with_ipv6_alone(published: dict[str, Record]) -> None:
    published["velo.example.test"] = Record("velo.example.test", 60, ("2001:db8::1",))
    assert DnsName(DOOR, "velo.example.test").current() == "2001:db8::1"
