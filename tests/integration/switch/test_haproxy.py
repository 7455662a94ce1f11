"""The runtime API of a real HAProxy, with clients that hold their connections."""

import pytest

from recovery.errors import TargetError
from recovery.switch.fail_over import fail_over, way_back
from recovery.switch.open import open_switch

from .conftest import call


@pytest.fixture(params=["unix", "tcp"])
def switch(request, haproxy):
    uris = {
        "unix": f"haproxy://{haproxy['socket']}?backend=velociraptor",
        "tcp": f"haproxy://127.0.0.1:{haproxy['admin']}/velociraptor",
    }
    return open_switch(uris[request.param])


def test_there_and_back_and_old_connections_are_cut(switch, haproxy, frontends):
    held, word = call(haproxy["clients"])
    assert word == b"old"

    done = fail_over(switch, "127.0.0.2", port=haproxy["port"], max_ttl=0)

    assert (done.before, done.ttl, done.findings) == ("127.0.0.1", 0, ())
    with held:
        assert held.recv(10) == b"", "the old server still has its client"
    fresh, word = call(haproxy["clients"])
    fresh.close()
    assert word == b"spare"
    back = way_back(switch)
    fail_over(switch, back, port=haproxy["port"], max_ttl=0)
    fresh, word = call(haproxy["clients"])
    fresh.close()
    assert word == b"old"


def test_a_rebuilt_server_at_an_address_that_haproxy_never_heard_of(switch, haproxy, frontends):
    fail_over(switch, "127.0.0.3", port=haproxy["port"], max_ttl=0)
    fresh, word = call(haproxy["clients"])
    fresh.close()
    assert word == b"new"
    assert switch.current() == "127.0.0.3"


def test_a_server_that_its_check_finds_dead_is_said_to_be(switch, monkeypatch):
    monkeypatch.setattr("recovery.switch.haproxy._UP_WITHIN", 1)
    with pytest.raises(TargetError, match="finds no server there"):
        switch.to("127.0.0.9")


def test_a_backend_that_is_not_there(haproxy):
    wrong = open_switch(f"haproxy://127.0.0.1:{haproxy['admin']}/another")
    with pytest.raises(TargetError, match="does not show the backend"):
        wrong.current()


def test_nobody_at_the_socket(tmp_path):
    with pytest.raises(TargetError, match="no answer"):
        open_switch(f"haproxy://{tmp_path}/none.sock?backend=velociraptor").current()
