import random
from ipaddress import IPv4Network
from itertools import islice

import pytest

from recovery.drill.name_server import NameServer, knot_config, zone_file
from recovery.drill.names import Run, new_run
from recovery.drill.network import Isolated, free_subnets, host_routes

ROUTES = """\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010011AC\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t0000400A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
"""


def first(taken, seed="x", count=50):
    return list(islice(free_subnets(taken, random.Random(seed)), count))  # noqa: S311


def test_a_subnet_in_use_is_never_taken():
    taken = [IPv4Network("10.64.0.0/11"), IPv4Network("10.100.3.128/25")]
    found = first(taken, count=10**6)
    assert found
    assert not [one for one in found for other in taken if one.overlaps(other)]


def test_drills_begin_elsewhere():
    assert first([], "a", 1) != first([], "b", 1)
    assert first([], "a", 5) == first([], "a", 5)


def test_no_subnet_left_is_no_subnet():
    assert first([IPv4Network("10.0.0.0/8")]) == []


def test_routes_of_this_machine_are_read_without_the_default(tmp_path):
    table = tmp_path / "route"
    table.write_text(ROUTES)
    assert host_routes(table) == [IPv4Network("10.64.0.0/16")]
    assert host_routes(tmp_path / "none") == []


def test_addresses_are_counted_in_the_subnet():
    assert Isolated("n", IPv4Network("10.70.3.0/24")).address(53) == "10.70.3.53"


def test_only_the_key_may_change_the_zone():
    server = NameServer("10.70.3.53", "drill-abc123.test", "update.drill-abc123.test", "c2VjcmV0")
    text = knot_config(server)
    assert text.count("acl:") == 2
    assert text.count("action:") == 1
    assert "address:" not in text
    assert "algorithm: hmac-sha256" in text
    assert "c2VjcmV0" in text
    assert "c2VjcmV0" not in zone_file(server, server.zone)
    assert "c2VjcmV0" not in repr(server)
    assert "ns A 10.70.3.53" in zone_file(server, server.zone)


def test_names_of_runs_do_not_look_like_numbers():
    assert all(new_run().ident[0] in "abcdef" for _ in range(200))


def test_everything_of_a_run_bears_its_name():
    run = Run("abc123")
    labels = run.labels("dns")
    assert labels["velociraptor-recovery.run"] == "abc123"
    assert labels["velociraptor-recovery"] == "dns"
    for name in (run.zone, run.server_name, run.key_name, run.container("dns"), str(run.lock)):
        assert "abc123" in name


@pytest.mark.parametrize("state", ["/var/state", ""])
def test_the_folder_follows_xdg(state, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", state)
    monkeypatch.setenv("HOME", str(tmp_path))
    base = state or str(tmp_path / ".local" / "state")
    assert str(Run("abc123").folder) == f"{base}/velociraptor-recovery/drills/abc123"


def test_a_zone_for_the_names_of_load_balancers():
    server = NameServer("10.70.3.53", "drill-abc123.test", "k", "c2VjcmV0", ("elb.example",))
    text = knot_config(server)
    assert [line.split()[-1] for line in text.splitlines() if "domain:" in line] == [
        "drill-abc123.test.",
        "elb.example.",
    ]
    assert text.count("acl: update") == 2
    assert zone_file(server, "elb.example").startswith("$ORIGIN elb.example.\n")
