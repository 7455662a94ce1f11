"""One name for a machine, wherever the vault is read."""

import pytest

from recovery.errors import BadInputError
from recovery.standby import reach
from recovery.standby.pair import Machine, Pair
from recovery.target import open_target


@pytest.fixture
def mark(tmp_path, monkeypatch):
    path = tmp_path / "room" / "mark"
    monkeypatch.setattr(reach, "MARK", str(path))
    return path


def named(uri, address, **more):
    return reach.named_for_all(Machine(uri=uri, address=address, **more), open_target("local://"))


def test_a_local_machine_is_named_by_its_address_and_knows_itself(mark):
    made = named("local://", "192.0.2.7")
    assert made.uri == "ssh://root@192.0.2.7"
    assert made.mark == mark.read_text().strip()
    assert mark.stat().st_mode & 0o077 == 0
    assert reach.is_here(made)
    assert named("local://", "192.0.2.7") == made, "the same again"


def test_elsewhere_it_is_reached_by_ssh(mark):
    made = named("local://", "192.0.2.7")
    mark.write_text("another machine's\n")
    assert not reach.is_here(made)
    mark.unlink()
    assert not reach.is_here(made)
    assert reach.is_here(made, made.mark)


def test_a_machine_without_a_mark_is_nobodys_own(mark):
    made = named("ssh://root@192.0.2.8", "192.0.2.8")
    assert made.mark == ""
    assert not mark.exists()
    assert not reach.is_here(made)
    assert not reach.is_here(made, "")


def test_port_and_ipv6_go_into_the_uri(mark):
    made = named("local://", "2001:db8::7", port=2222)
    assert made.uri == "ssh://root@[2001:db8::7]:2222"
    assert open_target(made.uri).uri == made.uri


def test_the_operator_may_say_local_of_the_machine_he_is_on(mark):
    here = named("local://", "192.0.2.7")
    pair = Pair(
        deployment="d",
        datastore="/ds",
        machines=(Machine(uri="ssh://root@192.0.2.8", address="192.0.2.8"), here),
    )
    assert reach.machine_named(pair, "local://") == here
    assert reach.machine_named(pair, here.uri) == here
    mark.write_text("another machine's")
    with pytest.raises(BadInputError, match="local:// is not one of this pair"):
        reach.machine_named(pair, "local://")


@pytest.mark.parametrize("address", ["", "127.0.0.1", "localhost", "::1"])
def test_an_address_that_no_other_machine_can_use_is_refused(mark, address):
    with pytest.raises(BadInputError, match="no address that the other one could use") as refused:
        named("local://", address)
    assert "--active-address" in refused.value.hint
