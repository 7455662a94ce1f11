"""``recovery failover`` as the operator runs it, on a real name server."""

import json
import subprocess
import sys

import dns.message
import dns.query
import pytest


def failover(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "recovery", "failover", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def ask(knot):
    def look_up(kind):
        port = int(knot.split("/")[2].rpartition(":")[2])
        query = dns.message.make_query("velo.example.test.", kind)
        answer = dns.query.udp(query, "127.0.0.1", port=port, timeout=5).answer
        return [(rrset.ttl, item.to_text()) for rrset in answer for item in rrset]

    return look_up


def test_ttl_first_then_there_and_back(knot, ask, frontends):
    spare = frontends[1]
    checked = failover("--switch", knot, "--check", "--json")
    assert checked.returncode == 1
    assert json.loads(checked.stdout)["ttl"] == 3600

    lowered = failover("--switch", knot, "--lower-ttl")
    assert lowered.returncode == 0, lowered.stderr
    assert ask("A") == [(30, "127.0.0.1")]

    port = ("--port", str(spare.port))
    there = failover("--switch", knot, "--to", spare.address, *port, "--json")
    assert there.returncode == 0, there.stderr
    assert json.loads(there.stdout)["after"] == spare.address
    assert ask("A") == [(30, spare.address)]
    assert ask("AAAA") == []

    back = failover("--switch", knot, "--back", *port)
    assert back.returncode == 0, back.stderr
    assert ask("A") == [(30, "127.0.0.1")]


def test_an_alias_is_refused_before_a_switch(knot):
    """An address beside it would be ignored by the name server, without a word."""
    for how in (("--check",), ("--to", "127.0.0.1", "--unchecked")):
        refused = failover("--switch", knot.replace("/velo.", "/alias."), *how)
        assert refused.returncode == 2
        assert "is an alias (CNAME) of velo.example.test." in refused.stderr
        assert "Nothing was changed" in refused.stderr


def test_a_dead_server_changes_nothing(knot, ask):
    refused = failover("--switch", knot, "--to", "127.0.0.4", "--port", "1")
    assert refused.returncode == 2
    assert "nothing was switched" in refused.stderr
    assert ask("A") == [(3600, "127.0.0.1")]


@pytest.mark.parametrize("arguments", [("--to", "127.0.0.2", "--back"), ("--back",)])
def test_bad_input_is_64_and_changes_nothing(knot, ask, arguments):
    assert failover("--switch", knot, *arguments).returncode == 64
    assert ask("A") == [(3600, "127.0.0.1")]
