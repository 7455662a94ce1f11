import pytest

from recovery.forwarding.kinds import KINDS
from recovery.forwarding.send_test import INDEX, acknowledged, counts, refusal, refused
from recovery.forwarding.turn_on import forwarding_of, table_with, table_without

ELASTIC, SPLUNK = KINDS["elastic"], KINDS["splunk"]
TABLE = {
    "artifacts": ["Server.Monitor.Health", "Splunk.Flows.Upload"],
    "specs": [{"artifact": "Splunk.Flows.Upload", "parameters": {"env": []}}],
    "ops_per_second": 3,
}


def test_a_table_with_and_without():
    with_it = table_with(TABLE, ELASTIC.own_artifact, {"Secret": "mine"})
    assert with_it["artifacts"] == [*TABLE["artifacts"], "Custom.Elastic.Flows.Upload"]
    found = {(one.kind.name, one.artifact, one.secret) for one in forwarding_of(with_it, "root")}
    assert found == {
        ("elastic", "Custom.Elastic.Flows.Upload", "mine"),
        ("splunk", "Splunk.Flows.Upload", ""),
    }
    assert table_without(with_it, ELASTIC) == TABLE
    assert table_without(TABLE, SPLUNK) == {
        "artifacts": ["Server.Monitor.Health"],
        "specs": [],
        "ops_per_second": 3,
    }
    assert forwarding_of({}, "root") == []


def bulk(*results):
    return {"StatusCode": 200, "Response": {"items": [{"index": result} for result in results]}}


TAKEN = {"_index": INDEX, "status": 201}
REFUSED = {"_index": INDEX, "status": 400, "error": {"reason": "failed to parse field"}}
DENIED = {"StatusCode": 401, "Response": {"error": {"reason": "who are you"}, "status": 401}}


@pytest.mark.parametrize(
    ("row", "arrived", "counted", "says"),
    [
        (bulk(TAKEN), True, (1, 0), ""),
        (bulk(REFUSED), False, (0, 1), "failed to parse field"),
        (bulk({"_index": "another", "status": 201}), False, (1, 0), ""),
        (bulk({"_index": "another", "status": 201}, REFUSED), False, (1, 1), "failed to parse"),
        (DENIED, False, (0, 1), "HTTP 401: who are you"),
        ({"Response": 3}, True, (3, 0), ""),
        ({"Response": "Invalid token (Code: 4)"}, False, (0, 1), "Invalid token"),
        ({"StatusCode": 502, "Response": None}, False, (0, 1), "HTTP 502"),
    ],
)
def test_what_the_receiver_answered(row, arrived, counted, says):
    assert acknowledged(row) is arrived
    assert counts(row) == counted
    assert refused(row) is (not arrived and counted[1] > 0)
    if counted[1]:
        assert says in refusal(row)
