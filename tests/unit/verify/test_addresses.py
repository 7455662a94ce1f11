"""Addresses that only the machine reaches, and names out of an authoritative server."""

import socket
import threading

import dns.flags
import dns.message
import dns.rdatatype
import dns.rrset
import pytest

from recovery.errors import BadInputError, TargetError
from recovery.verify.addresses import is_loopback, is_numeric, resolve
from recovery.verify.facts import DnsFacts, parse_dns


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.11", "::1", "::ffff:127.0.0.1"])
def test_only_the_machine_itself_reaches_loopback(address):
    assert is_loopback(address)


@pytest.mark.parametrize(
    "address",
    ["0.0.0.0", "::", "192.0.2.7", "2001:db8::7", "::ffff:192.0.2.7"],  # noqa: S104
)
def test_everything_else_is_open(address):
    assert not is_loopback(address)


@pytest.fixture
def name_server():
    """Answers every question for server.test with one address; nothing else."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listener.bind(("127.0.0.1", 0))

    def answer():
        while True:
            try:
                raw, sender = listener.recvfrom(4096)
            except OSError:
                return
            question = dns.message.from_wire(raw)
            reply = dns.message.make_response(question)
            reply.flags |= dns.flags.AA
            name = question.question[0].name
            kind = dns.rdatatype.to_text(question.question[0].rdtype)
            known = {"A": "192.0.2.7", "AAAA": "2001:DB8:0::7"}
            if str(name) == "server.test.":
                reply.answer.append(dns.rrset.from_text(name, 60, "IN", kind, known[kind]))
            listener.sendto(reply.to_wire(), sender)

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    yield f"127.0.0.1:{listener.getsockname()[1]}"
    listener.close()


def test_the_authoritative_server_is_asked_itself(name_server):
    record = DnsFacts(name="server.test", address="", nameserver=name_server)
    assert resolve(record, host=None) == ["192.0.2.7"]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"address": "192.0.2.7"}, ["192.0.2.7"]),
        ({"address": "192.0.2.7", "address6": ""}, ["192.0.2.7", "2001:db8::7"]),
        ({"address": "2001:db8::7"}, ["2001:db8::7"]),
        ({"address": "", "address6": "2001:db8::7"}, ["192.0.2.7", "2001:db8::7"]),
    ],
)
def test_ipv6_is_asked_for_where_it_is_known(name_server, given, found):
    record = DnsFacts(name="server.test", nameserver=name_server, **given)
    assert resolve(record, host=None) == found


def test_what_a_name_has_to_lead_to():
    both = DnsFacts(name="n", address="192.0.2.7", address6="2001:0db8:0::7")
    assert both.wanted == ["192.0.2.7", "2001:db8::7"]
    assert DnsFacts(name="n", address="192.0.2.7", address6="").wanted == ["192.0.2.7"]


@pytest.mark.parametrize(
    ("where", "numeric"),
    [
        ("192.0.2.53", True),
        ("192.0.2.53:5353", True),
        ("2001:db8::53", True),
        ("[2001:db8::53]:5353", True),
        ("ns-1.awsdns.example", False),
        ("ns-1.awsdns.example:53", False),
        ("", False),
    ],
)
def test_a_name_server_by_number_or_by_name(where, numeric):
    assert is_numeric(where) is numeric


def test_a_name_without_an_address_gives_none(name_server):
    record = DnsFacts(name="other.test", address="", nameserver=name_server)
    assert resolve(record, host=None) == []


def test_a_silent_name_server_is_an_error(monkeypatch):
    monkeypatch.setattr("recovery.verify.addresses._SECONDS", 0.2)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        where = f"127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(TargetError, match="doesn't answer"):
            resolve(DnsFacts(name="server.test", address="", nameserver=where), host=None)


def test_parse_dns():
    assert parse_dns("a.b=192.0.2.7") == DnsFacts(name="a.b", address="192.0.2.7")
    assert parse_dns("a.b=192.0.2.7@192.0.2.1:5353").nameserver == "192.0.2.1:5353"


@pytest.mark.parametrize("text", ["a.b", "=192.0.2.7", "a.b=host", "a.b=192.0.2.7@ns.example"])
def test_parse_dns_refuses(text):
    with pytest.raises(BadInputError):
        parse_dns(text)
