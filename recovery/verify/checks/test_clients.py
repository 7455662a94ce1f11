"""The fleet is back: every client under its old id, none under a new one."""

from typing import Any

import pytest

from recovery.counts import things
from recovery.velociraptor.api import Api
from recovery.verify.facts import ServerFacts
from recovery.verify.fleet import NOT_SENT, Fleet, clients_anew, wait_for_clients


@pytest.fixture(name="fleet", scope="module")
def _fleet(host: Any, facts: ServerFacts, api: Api | None) -> Fleet:
    """The clients as they are once all of them are seen, or the time allowed is over."""
    if not any(facts.clients.values()):
        pytest.skip("no client is expected back")
    assert api is not None, "the server's API can't be reached"
    return wait_for_clients(api, host, facts)


def test_old_clients_back(fleet: Fleet, facts: ServerFacts, record_property: Any) -> None:
    record_property("detail", fleet.summary)
    away = fleet.away
    if away and not facts.clients_sent:
        pytest.skip(f"{fleet.summary}; {NOT_SENT}")
    assert not away, f"{fleet.summary}; not yet: {', '.join(away[:10])}{' …' if away[10:] else ''}"


def test_no_old_client_under_a_new_id(
    fleet: Fleet, facts: ServerFacts, record_property: Any
) -> None:
    anew = clients_anew(fleet, facts)
    record_property("detail", f"{things(len(fleet.newcomers), 'client')} unknown to the point")
    assert not anew, f"these look like old clients that are not back: {', '.join(anew[:10])}"
