"""Dynamic updates against a real knot."""

from dataclasses import replace

import pytest

from recovery.errors import TargetError
from recovery.infra import dns_update
from recovery.infra.dns_update import Record

pytestmark = pytest.mark.docker


def test_the_name_says_the_new_address_and_nothing_of_the_lost_server(knot):
    before = dns_update.look_up(knot, "velociraptor.example.test")
    assert before.addresses == ("192.0.2.1", "2001:db8::1")

    dns_update.publish(knot, Record("velociraptor.example.test", 30, ("198.51.100.7",)))

    after = dns_update.look_up(knot, "velociraptor.example.test.")
    assert after.addresses == ("198.51.100.7",)
    assert after.ttl == 30


def test_both_families_are_published(knot):
    both = Record("both.example.test", 60, ("198.51.100.7", "2001:db8::7"))
    dns_update.publish(knot, both)
    assert dns_update.look_up(knot, both.name) == both


def test_a_name_without_addresses_is_none(knot):
    assert dns_update.look_up(knot, "nobody.example.test") is None


def test_withdraw_takes_away_what_it_wrote(knot):
    mine = Record("mine.example.test", 60, ("198.51.100.8",))
    dns_update.publish(knot, mine)
    assert dns_update.withdraw(knot, mine)
    assert dns_update.look_up(knot, mine.name) is None


@pytest.mark.parametrize("taken", [("198.51.100.9",), ("198.51.100.8", "2001:db8::9")])
def test_withdraw_leaves_a_name_that_another_has_taken_over(knot, taken):
    mine = Record("taken.example.test", 60, ("198.51.100.8",))
    dns_update.publish(knot, mine)
    theirs = Record(mine.name, 60, taken)
    dns_update.publish(knot, theirs)

    assert not dns_update.withdraw(knot, mine)

    assert dns_update.look_up(knot, mine.name) == theirs


def test_withdraw_of_a_name_that_is_gone_is_fine(knot):
    assert not dns_update.withdraw(knot, Record("gone.example.test", 60, ("198.51.100.8",)))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"key_secret": "bm90IHRoZSBrZXk="}, "dnsKeySecret"),
        ({"key_name": "stranger"}, "dnsKeyName"),
        ({"key_name": "", "key_secret": ""}, "wants another TSIG key"),
        ({"zone": "another.test"}, "primary of this zone"),
    ],
)
def test_a_refusal_changes_nothing_and_says_what_to_look_at(knot, changes, words):
    wrong = replace(knot, **changes)
    name = "refused.another.test" if "zone" in changes else "refused.example.test"
    with pytest.raises(TargetError) as refused:
        dns_update.publish(wrong, Record(name, 60, ("198.51.100.8",)))
    assert words in str(refused.value)
    assert knot.key_secret not in str(refused.value)
    assert dns_update.look_up(knot, "refused.example.test") is None


def test_a_silent_server_is_an_error_that_says_so(knot):
    with pytest.raises(TargetError, match="no answer"):
        dns_update.publish(
            replace(knot, server=f"{knot.server}:5399"),
            Record("a.example.test", 60, ("192.0.2.1",)),
        )
