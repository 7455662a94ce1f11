import pytest

from recovery.errors import BadInputError, RecoveryError
from recovery.switch.fail_over import fail_over, look, read_address, way_back


class Lever:
    """A switch that is a variable."""

    name = "lever"

    def __init__(self, at="192.0.2.1", ttl=0):
        self.at, self.ttl = at, ttl

    def current(self):
        return self.at

    def to(self, address):
        self.at = address


@pytest.fixture(autouse=True)
def _state(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def test_there_and_back_again():
    lever = Lever()
    done = fail_over(lever, "192.0.2.2", port=0, max_ttl=300)
    assert (done.before, done.after, done.changed) == ("192.0.2.1", "192.0.2.2", True)
    assert way_back(lever) == "192.0.2.1"


def test_saying_it_twice_keeps_the_way_back():
    lever = Lever()
    fail_over(lever, "192.0.2.2", port=0, max_ttl=300)
    assert not fail_over(lever, "192.0.2.2", port=0, max_ttl=300).changed
    assert way_back(lever) == "192.0.2.1"


def test_no_way_back_where_none_was_noted_or_another_has_switched():
    lever = Lever()
    with pytest.raises(BadInputError, match="no switch was noted"):
        way_back(lever)
    fail_over(lever, "192.0.2.2", port=0, max_ttl=300)
    lever.to("192.0.2.9")
    with pytest.raises(BadInputError, match="somebody else"):
        way_back(lever)


def test_a_dead_server_gets_no_clients():
    lever = Lever()
    with pytest.raises(RecoveryError, match="nothing was switched"):
        fail_over(lever, "127.0.0.1", port=1, max_ttl=300)
    assert lever.at == "192.0.2.1"


def test_a_ttl_that_is_too_high_is_a_finding():
    assert not look(Lever(ttl=60), 60).findings
    assert "3600 s" in look(Lever(ttl=3600), 60).findings[0]
    assert "several" in look(Lever("192.0.2.1,192.0.2.2"), 60).findings[0]


def test_addresses():
    assert read_address("2001:0db8::0007") == "2001:db8::7"
    assert read_address("i-0123456789abcdef0") == "i-0123456789abcdef0"
    with pytest.raises(BadInputError):
        read_address("velo.example.org")
