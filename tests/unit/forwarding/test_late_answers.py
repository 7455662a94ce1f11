"""What the receiver answered to earlier events is not blamed on the test's own."""

from recovery.forwarding import send_test
from recovery.forwarding.kinds import KINDS
from recovery.forwarding.turn_on import Forwarding
from recovery.velociraptor.api import Answer

ELASTIC = Forwarding("root", KINDS["elastic"], "Custom.Elastic.Flows.Upload", "mine")
DENIED = {"StatusCode": 401, "Response": {"error": {"reason": "who are you"}}}
TAKEN = {
    "StatusCode": 200,
    "Response": {"items": [{"index": {"_index": send_test.INDEX, "status": 201}}]},
}


class Recorded:
    """A server whose forwarding artifact records ``answers``: one list more at each question."""

    def __init__(self, *answers):
        self.answers, self.asked, self.rows = list(answers), 0, []
        self.collected, self.forgotten = [], []
        self.listed_last = False

    def query(self, vql, **_):
        if "collect_client" not in vql:
            return [{"Done": "x"}]
        self.collected.append(f"F.{len(self.collected)}")
        return [{"Flow": self.collected[-1]}]

    def ask(self, vql, *, env=None, **_):
        self.listed_last = vql == send_test._LIST or (self.listed_last and "artifact_delete" in vql)
        if "delete_flow" in vql:
            self.forgotten.append(env["Flow"])
        elif "FROM source(" in vql:
            if self.asked < len(self.answers):
                self.rows += self.answers[self.asked]
            self.asked += 1
            return Answer(list(self.rows), [])
        return Answer([], [])


def sent(server, monkeypatch):
    monkeypatch.setattr(send_test, "_EVERY", 0)
    (arrival,) = send_test.send_test(server, [ELASTIC], timeout=5)
    assert server.forgotten == server.collected
    assert server.listed_last  # else the server's list of flows stays without the others
    return arrival


def test_a_refusal_from_before_is_not_counted(monkeypatch):
    server = Recorded([DENIED], [], [], [TAKEN])
    assert sent(server, monkeypatch).arrived
    assert len(server.collected) == 1


def test_a_late_refusal_of_old_credentials_is_asked_again(monkeypatch):
    server = Recorded([], [DENIED], [], [TAKEN])
    assert sent(server, monkeypatch).arrived
    assert len(server.collected) == 2


def test_refused_twice_is_refused(monkeypatch):
    server = Recorded([DENIED], [DENIED], [], [DENIED])
    arrival = sent(server, monkeypatch)
    assert not arrival.arrived
    assert arrival.says == "HTTP 401: who are you"
    assert len(server.collected) == 2
