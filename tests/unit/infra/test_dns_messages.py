"""The updates as text: what a name server is asked, without one."""

import pytest

from recovery.errors import BadInputError
from recovery.infra.dns_update import Door, Record, endpoint, publication, withdrawal, zone_of

DOOR = Door("192.0.2.53", "example.test", "recovery", "c2VjcmV0")
NAME = "velociraptor.example.test"


def lines(message, section):
    return [rrset.to_text() for rrset in message.sections[section]]


def test_publication_replaces_both_families():
    update = publication(DOOR, Record(NAME, 30, ("2001:db8::7", "198.51.100.7")))
    assert lines(update, 2) == [
        f"{NAME}. ANY A",
        f"{NAME}. 30 IN A 198.51.100.7",
        f"{NAME}. ANY AAAA",
        f"{NAME}. 30 IN AAAA 2001:db8::7",
    ]
    assert update.had_tsig, "it is signed"
    assert str(update.keyname) == "recovery."


def test_without_ipv6_the_lost_servers_aaaa_still_goes():
    update = publication(DOOR, Record(NAME, 30, ("198.51.100.7",)))
    assert f"{NAME}. ANY AAAA" in lines(update, 2)


def test_withdrawal_asks_that_nothing_else_was_written():
    update = withdrawal(DOOR, Record(NAME, 30, ("198.51.100.7",)))
    assert lines(update, 1) == [f"{NAME}. 0 IN A 198.51.100.7", f"{NAME}. NONE AAAA"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("192.0.2.53", ("192.0.2.53", 53)),
        ("192.0.2.53:5353", ("192.0.2.53", 5353)),
        ("2001:db8::53", ("2001:db8::53", 53)),
        ("[2001:db8::53]:5353", ("2001:db8::53", 5353)),
        ("[2001:db8::53]", ("2001:db8::53", 53)),
    ],
)
def test_endpoint(text, expected):
    assert endpoint(text) == expected


@pytest.mark.parametrize("text", ["ns.example.com", "192.0.2.53:dns", "", "[x]:53"])
def test_endpoint_refuses_what_is_no_address(text):
    with pytest.raises(BadInputError, match="name server"):
        endpoint(text)


def test_zone_of():
    assert zone_of("velociraptor.example.test.", "") == "example.test"
    assert zone_of("a.b.example.test", "example.test") == "example.test"


def test_a_key_that_is_not_base64_is_refused_and_not_shown():
    with pytest.raises(BadInputError) as refused:
        publication(Door("192.0.2.53", "example.test", "k", "no base64!"), Record(NAME, 1, ()))
    assert "no base64!" not in str(refused.value)
    assert "no base64!" not in repr(Door("192.0.2.53", "z", "k", "no base64!"))
