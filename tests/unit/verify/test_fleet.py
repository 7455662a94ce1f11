"""Who is back: by when each client was last seen, and who came under a new id."""

from datetime import UTC, datetime, timedelta

import pytest

from recovery.commands import Result
from recovery.errors import TargetError
from recovery.velociraptor.inventory import digest
from recovery.verify.facts import ServerFacts
from recovery.verify.fleet import clients_anew, wait_for_clients
from recovery.verify.target_host import target_host

SINCE = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ALPHA, BETA = digest(["alpha", "linux"]), digest(["beta", "linux"])


def facts(**more):
    given = {
        "folders": ["/d"],
        "frontend_port": 1,
        "api_port": 2,
        "config_fingerprint": "",
        "keys": {},
        "clients": {"root": {"C.1": ALPHA, "C.2": BETA}},
        "since": SINCE,
    }
    return ServerFacts(**(given | more))


def client(client_id, hostname, seconds):
    seen = SINCE + timedelta(seconds=seconds)
    return {
        "client_id": client_id,
        "hostname": hostname,
        "system": "linux",
        "last_seen_at": int(seen.timestamp() * 1e6),
    }


class RecordedApi:
    """A server whose clients come one answer after another; the last answer stays."""

    def __init__(self, *answers):
        self.answers = list(answers)

    def query(self, vql, *, org="", min_rows=0):
        if "orgs()" in vql:
            return [{"OrgId": ""}]
        assert org == "root", "a real server answers nothing in an org that it hasn't"
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def test_seen_before_the_recovery_is_not_back():
    api = RecordedApi([client("C.1", "alpha", 5), client("C.2", "beta", -5)])
    fleet = wait_for_clients(api, None, facts())
    assert (fleet.seen, fleet.away) == (["C.1"], ["C.2"])
    assert fleet.summary == "1 of 2 clients seen since 12:00:00 UTC"


def test_clients_of_an_org_that_is_not_there_are_away():
    api = RecordedApi([client("C.1", "alpha", 5)])
    gone = facts(clients={"root": {"C.1": ALPHA}, "OGONE": {"C.3-OGONE": BETA}})
    fleet = wait_for_clients(api, None, gone)
    assert (fleet.seen, fleet.away) == (["C.1"], ["C.3-OGONE"])


def test_a_client_that_is_listed_but_was_never_seen_is_away():
    row = client("C.1", "alpha", 0) | {"last_seen_at": None}
    fleet = wait_for_clients(RecordedApi([row]), None, facts())
    assert fleet.away == ["C.1", "C.2"]


def test_clients_are_waited_for():
    first = [client("C.1", "alpha", 5)]
    fleet = wait_for_clients(
        RecordedApi(first, [*first, client("C.2", "beta", 6)]), None, facts(wait=20)
    )
    assert fleet.away == []


def test_orgs_that_this_strategy_cannot_serve_are_told():
    api = RecordedApi([client("C.1", "alpha", 5), client("C.2", "beta", 5)])
    assert "1 org can't be served" in wait_for_clients(api, None, facts(unserved=["O1"])).summary


def test_an_old_client_under_a_new_id_is_known_by_its_host():
    api = RecordedApi([client("C.1", "alpha", 5), client("C.9", "beta", 5)])
    fleet = wait_for_clients(api, None, facts())
    assert clients_anew(fleet, facts()) == ["C.9"]


def test_a_client_that_enrolled_after_the_capture_is_welcome():
    rows = [client("C.1", "alpha", 5), client("C.2", "beta", 5), client("C.9", "beta", 5)]
    fleet = wait_for_clients(RecordedApi(rows), None, facts())
    assert list(fleet.newcomers) == ["C.9"]
    assert clients_anew(fleet, facts()) == []


class Clock:
    """A machine that answers the one question after its service's start."""

    uri = "test://"

    def __init__(self, said):
        self.said = said

    def run(self, argv, **_):
        return Result(tuple(argv), 0, self.said, b"")


def test_the_services_start_by_the_targets_own_clock():
    now = SINCE.timestamp() + 100
    clock = Clock(f"{now:.2f}\n5000.00\n4900500000\n".encode())
    rows = [client("C.1", "alpha", 0.4), client("C.2", "beta", 0.6)]
    fleet = wait_for_clients(RecordedApi(rows), target_host(clock), facts(since=None))
    assert (fleet.seen, fleet.away) == (["C.2"], ["C.1"])


@pytest.mark.parametrize("said", [b"", b"1.0\n2.0\n0\n", b"1.0\n2.0\n", b"x\ny\nz\n"])
def test_a_service_that_never_started_is_an_error(said):
    with pytest.raises(TargetError, match="can't tell since when"):
        wait_for_clients(RecordedApi([]), target_host(Clock(said)), facts(since=None))
