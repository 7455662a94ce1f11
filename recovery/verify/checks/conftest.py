"""What the checks may ask for: the target, its facts, its API, and testinfra's host."""

from typing import Any

import pytest

from recovery.target import Target
from recovery.velociraptor.api import Api
from recovery.verify.facts import ServerFacts
from recovery.verify.run_checks import GIVEN
from recovery.verify.target_host import target_host


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
