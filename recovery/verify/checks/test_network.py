"""Clients reach the server, strangers don't reach its API, and the name leads to it."""

from typing import Any

import pytest

from recovery.errors import TargetError
from recovery.target import Target
from recovery.target.sockets import TABLES, Listener, listening
from recovery.velociraptor.clients_port import why_unreached
from recovery.verify.addresses import is_loopback, is_numeric, led_to
from recovery.verify.balancer import BalancerEyes, has_no_credentials
from recovery.verify.facts import BalancerFacts, ServerFacts


@pytest.fixture(name="listeners", scope="module")
def _listeners(target: Target) -> set[Listener]:
    return listening(target.run(["sh", "-c", TABLES]).text)


def test_frontend_listens(target: Target, facts: ServerFacts) -> None:
    assert not (why := why_unreached(target, facts.frontend_port)), why


def test_api_closed_to_the_outside(
    listeners: set[Listener], facts: ServerFacts, record_property: Any
) -> None:
    addresses = sorted(found.address for found in listeners if found.port == facts.api_port)
    assert addresses, f"the API doesn't listen on port {facts.api_port}"
    record_property("detail", ", ".join(addresses))
    outside = [address for address in addresses if not is_loopback(address)]
    assert not outside, f"port {facts.api_port} is open on {', '.join(outside)}"


def test_load_balancer(facts: ServerFacts, record_property: Any) -> None:
    """Collected only where the name leads to one (see conftest)."""
    balancer = _balancer(facts)
    try:
        behind = BalancerEyes(balancer).behind()
    except TargetError as refused:
        _skip_without_credentials(refused)
        raise
    record_property("detail", f"{balancer.dns_name} → {balancer.instance}")
    assert not (wrong := behind.shortfall(balancer.instance)), wrong


def test_alias(facts: ServerFacts, record_property: Any) -> None:
    """Collected only where the name leads to a load balancer (see conftest)."""
    balancer = _balancer(facts)
    assert facts.dns is not None
    eyes = BalancerEyes(balancer)
    try:
        found = eyes.alias(facts.dns.name)
    except TargetError as refused:
        _skip_without_credentials(refused)
        raise
    words = ", ".join(f"{kind} → {target or 'no alias'}" for kind, target in found.items())
    record_property("detail", f"{facts.dns.name}: {words}")
    assert all(eyes.is_alias_of(target) for target in found.values()), (
        f"{facts.dns.name}: {words}, not {balancer.dns_name}"
    )


def test_dns(host: Any, facts: ServerFacts, record_property: Any) -> None:
    if facts.dns is None:
        pytest.skip("no DNS record was named")
    try:
        found, wanted = led_to(facts.dns, host)
    except TargetError as silent:
        if is_numeric(facts.dns.nameserver):
            raise
        # A zone's public name server (Route 53): many networks let no DNS out but their own.
        pytest.skip(f"{facts.dns.nameserver} isn't reached from here: {silent.message}")
    record_property("detail", f"{facts.dns.name} → {', '.join(found) or 'nothing'}")
    assert found == wanted, (
        f"{facts.dns.name} leads to {', '.join(found) or 'nothing'}, "
        f"not {', '.join(wanted) or 'an address of its load balancer, which has none'}"
    )


def _balancer(facts: ServerFacts) -> BalancerFacts:
    assert facts.dns is not None
    assert facts.dns.balancer is not None
    return facts.dns.balancer


def _skip_without_credentials(refused: TargetError) -> None:
    if has_no_credentials(refused):
        pytest.skip(
            "AWS isn't asked: only the stack's provider has credentials; set AWS_PROFILE as well"
        )
