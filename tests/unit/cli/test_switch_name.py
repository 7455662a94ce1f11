"""How `recovery restore` is told where to send the clients."""

import pytest

from recovery.cli.switch_name import AnySwitch, address_of, read_record, read_sending
from recovery.errors import BadInputError
from recovery.verify.facts import DnsFacts

DNS = "dns://192.0.2.53/velo.example.org"
PROXY = "haproxy://192.0.2.9:9999/velociraptor"


@pytest.mark.parametrize(
    ("target", "address"),
    [
        ("ssh://root@192.0.2.7", "192.0.2.7"),
        ("ssh://root@192.0.2.7:2222?identity=/k", "192.0.2.7"),
        ("ssh://root@[2001:db8::7]:22", "2001:db8::7"),
        ("ssh://root@new.example.org", ""),
        ("docker://192.0.2.7", ""),
        ("local://", ""),
    ],
)
def test_an_ssh_targets_own_address_is_taken(target, address):
    assert address_of(target) == address


def test_a_name_is_held_to_by_the_proof_a_load_balancer_is_not():
    by_name = read_sending(DNS, "", "ssh://root@192.0.2.7", None)
    assert by_name.facts == DnsFacts(
        name="velo.example.org", address="192.0.2.7", nameserver="192.0.2.53"
    )
    assert read_sending(PROXY, "192.0.2.8", "local://", None).facts is None


def test_neither_is_left_to_others():
    assert read_sending("", "192.0.2.7", "local://", None) is None


@pytest.mark.parametrize(
    ("switch", "address", "message"),
    [
        (DNS, "", "needs --address"),
        (DNS, "new.example.org", "not an address"),
        ("dns://x", "192.0.2.7", "name is missing"),
        ("ftp://x/y", "192.0.2.7", "not a switch"),
    ],
)
def test_what_cannot_be_used_is_refused_before_anything(switch, address, message):
    with pytest.raises(BadInputError, match=message):
        read_sending(switch, address, "docker://one", None)


def test_two_ways_at_once_are_refused():
    record = read_record("velo.example.org", "192.0.2.7", "192.0.2.53", "", None, 60)
    with pytest.raises(BadInputError, match="two ways"):
        read_sending(DNS, "192.0.2.7", "local://", record)


class Proxy:
    """A switch in memory."""

    name, ttl = "proxy", 400

    def __init__(self):
        self.sent = []

    def current(self):
        return "192.0.2.1"

    def to(self, address):
        self.sent.append(address)


def test_nobody_is_sent_to_a_server_that_does_not_answer(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    proxy = Proxy()
    sending = AnySwitch(proxy, "127.0.0.4")
    said = []
    there, _, (hindered,) = sending.send(said.append, 1)
    assert (there, said[-1]) == (False, hindered)
    assert "nothing was switched" in hindered
    assert "recovery failover" in hindered
    assert proxy.sent == []
    there, _, (late,) = sending.send(lambda _line: None, 0)
    assert there
    assert proxy.sent == ["127.0.0.4"]
    assert "400 s" in late


def test_a_name_server_that_refuses_is_said_at_once_and_no_end(tmp_path):
    key = tmp_path / "key"
    key.write_text(f"recovery:{'A' * 43}=")
    key.chmod(0o600)
    record = read_record("velo.example.org", "192.0.2.7", "127.0.0.1:1", "", key, 60)
    said = []
    there, _, (hindered,) = record.send(said.append, 8000)
    assert (there, said) == (False, [hindered])
    assert "run the same command again" in hindered
