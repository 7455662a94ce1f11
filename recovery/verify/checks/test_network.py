"""Clients reach the server, strangers don't reach its API, and the name leads to it."""

from typing import Any

import pytest

from recovery.errors import TargetError
from recovery.verify.addresses import is_loopback, is_numeric, listening, resolve
from recovery.verify.facts import ServerFacts


@pytest.fixture(name="open_ports", scope="module")
def _open_ports(host: Any) -> set[tuple[str, int]]:
    """(address, port) of every listening TCP socket; needs no tool on the target."""
    tables = host.run("cat /proc/net/tcp; cat /proc/net/tcp6 2>/dev/null || true")
    assert tables.rc == 0, "the list of sockets can't be read"
    return listening(tables.stdout)


def test_frontend_listens(open_ports: set[tuple[str, int]], facts: ServerFacts) -> None:
    addresses = sorted(address for address, port in open_ports if port == facts.frontend_port)
    assert addresses, f"nothing listens on port {facts.frontend_port}"


def test_api_closed_to_the_outside(
    open_ports: set[tuple[str, int]], facts: ServerFacts, record_property: Any
) -> None:
    addresses = sorted(address for address, port in open_ports if port == facts.api_port)
    assert addresses, f"the API doesn't listen on port {facts.api_port}"
    record_property("detail", ", ".join(addresses))
    outside = [address for address in addresses if not is_loopback(address)]
    assert not outside, f"port {facts.api_port} is open on {', '.join(outside)}"


def test_dns(host: Any, facts: ServerFacts, record_property: Any) -> None:
    if facts.dns is None:
        pytest.skip("no DNS record was named")
    try:
        found = resolve(facts.dns, host)
    except TargetError as silent:
        if is_numeric(facts.dns.nameserver):
            raise
        # A zone's public name server (Route 53): many networks let no DNS out but their own.
        pytest.skip(f"{facts.dns.nameserver} isn't reached from here: {silent.message}")
    record_property("detail", f"{facts.dns.name} → {', '.join(found) or 'nothing'}")
    wanted = facts.dns.wanted
    assert found == wanted, (
        f"{facts.dns.name} leads to {', '.join(found) or 'nothing'}, not {', '.join(wanted)}"
    )
