"""What the checks may ask for: the target, its facts, its API, and testinfra's host."""

from typing import Any

import pytest

from recovery.target import Target
from recovery.velociraptor.api import Api
from recovery.verify.facts import ServerFacts
from recovery.verify.run_checks import GIVEN
from recovery.verify.target_host import target_host

_BEHIND_A_BALANCER = ("test_load_balancer", "test_alias")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without a load balancer nothing is asked of one, and no report speaks of it."""
    dns = config.stash[GIVEN].facts.dns
    if dns is None or dns.balancer is None:
        items[:] = [item for item in items if item.name not in _BEHIND_A_BALANCER]


@pytest.fixture(scope="session")
def target(request: pytest.FixtureRequest) -> Target:
    return request.config.stash[GIVEN].target


@pytest.fixture(scope="session")
def facts(request: pytest.FixtureRequest) -> ServerFacts:
    return request.config.stash[GIVEN].facts


@pytest.fixture(scope="session")
def api(request: pytest.FixtureRequest) -> Api | None:
    return request.config.stash[GIVEN].api


@pytest.fixture(scope="session")
def host(target: Target) -> Any:
    return target_host(target)
