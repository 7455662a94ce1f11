import json

import pytest

from recovery.drill import enrolment, life_artifacts
from recovery.drill.clients import ORG, endpoints
from recovery.errors import ServerError


class Server:
    """Knows every endpoint by its number; ``nameless`` ones only once they are examined again."""

    def __init__(self, nameless=(), away=()):
        self.nameless, self.away, self.examined = set(nameless), set(away), []

    def query(self, vql, *, env=None, org="root", min_rows=0):
        if "collect_client" in vql:
            (flow,) = json.loads(env["Flows"])
            self.examined.append((org, flow["Client"], flow["Wanted"]))
            self.nameless.discard(flow["Client"])
            return [{"Done": "F.1"}]
        return [
            {
                "client_id": f"C.{number}",
                "hostname": "" if f"C.{number}" in self.nameless else endpoint.hostname,
            }
            for number, endpoint in enumerate(endpoints())
            if endpoint.org == org and f"C.{number}" not in self.away
        ]


@pytest.fixture(autouse=True)
def _soon(monkeypatch):
    monkeypatch.setattr(enrolment, "_PAUSE", 0.001)
    monkeypatch.setattr(enrolment, "_NOT_EXAMINED", 0.01)
    monkeypatch.setattr(enrolment, "_ENROL_SECONDS", 0.2)


def test_clients_with_a_host_name_are_enrolled():
    server = Server()
    found = enrolment.wait_for_enrolment(server, lambda _: None)
    assert set(found) == set(endpoints())
    assert server.examined == []


def test_a_client_without_a_host_name_is_examined_again_in_its_org():
    server = Server(nameless=["C.4"])
    said = []
    found = enrolment.wait_for_enrolment(server, said.append)
    assert found[endpoints()[4]] == "C.4"
    assert server.examined == [(ORG, "C.4", life_artifacts.EXAMINATION)]
    assert "C.4 has no host name: examined again" in said


def test_a_client_that_never_comes_is_named():
    with pytest.raises(ServerError) as raised:
        enrolment.wait_for_enrolment(Server(away=["C.1"]), lambda _: None)
    assert raised.value.message == "endpoint-2 did not enrol within 0.2 s"
