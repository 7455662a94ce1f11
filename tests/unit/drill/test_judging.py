"""What follows the crash: nothing lost, nothing hidden, no hunt started."""

import pytest

from recovery.drill.hunt_checks import pause_check, repetition_check
from recovery.drill.outcomes import steps_of
from recovery.drill.persistence import only_before, persistence_check
from recovery.verify.prove import Proof
from tests.unit.drill.courses import check, line


def proof(*lines, checks=()):
    return Proof(checks=list(checks), fidelity=list(lines), findings=[])


def test_what_is_there_after_the_crash_is_counted():
    result = persistence_check([proof(line(captured=5))], proof(line(captured=5)))
    assert (result.outcome, result.detail) == ("passed", "all 5 things are still there")


def test_what_a_crash_takes_is_named():
    before = proof(line(captured=5), line("labels", captured=2))
    after = proof(line(captured=5, lost=2), line("labels", captured=2))
    result = persistence_check([before], after)
    assert (result.outcome, result.detail) == ("failed", "root: 2 of 5 flows are gone")


def test_what_the_strategy_never_promised_is_not_held_against_it():
    before = proof(line(captured=5), line("clients", captured=3, lost=2))
    late = line("clients", captured=3, lost=3, expected=True)
    result = persistence_check([before], proof(line(captured=5), late))
    assert result.outcome == "passed"
    assert result.detail.startswith("all 5 things are still there; not counted")
    assert "clients of root" in result.detail


def test_an_org_that_is_gone_is_gone():
    before = proof(line(captured=5), line(org="OACME", captured=2))
    result = persistence_check([before], proof(line(captured=5)))
    assert result.detail == "OACME: 2 of 2 flows are gone"


@pytest.mark.parametrize(
    ("before", "after"),
    [([], proof(line())), ([proof()], proof(line())), ([proof(line())], proof())],
)
def test_without_both_tables_it_is_not_passed(before, after):
    assert persistence_check(before, after).outcome == "error"


def test_a_shortfall_that_a_restart_hides_is_told():
    before = proof(
        line("labels", captured=3, lost=2, missing=["C.1/a", "C.2/b"]),
        line("flows", lost=1),
        checks=[check("service: enabled", "failed", "disabled"), check(outcome="error")],
    )
    after = proof(
        line("labels", captured=3), line("flows", lost=1), checks=[check(outcome="error")]
    )
    assert only_before(before, after) == [
        "before the restart: check service: enabled: disabled",
        "before the restart: root: labels: 2 lost of 3: C.1/a, C.2/b",
    ]


@pytest.mark.parametrize("state", ["RUNNING", 2, "2"])
def test_a_running_hunt_is_found(state):
    rows = {
        "root": [{"hunt_id": "H.1", "state": "PAUSED"}],
        "O1": [{"hunt_id": "H.2", "state": state}],
    }
    result = pause_check(rows)
    assert (result.outcome, result.detail) == ("failed", "running: O1 H.2")


def test_paused_and_stopped_hunts_pass():
    rows = {"root": [{"hunt_id": "H.1", "state": "PAUSED"}, {"hunt_id": "H.2", "state": "STOPPED"}]}
    assert pause_check(rows).detail == "none of 2 hunts runs"
    assert pause_check(rows).outcome == "passed"


def test_a_hunt_that_ran_again_is_found():
    assert repetition_check([line("hunt_results"), line("flows", added=3)]).outcome == "passed"
    result = repetition_check([line("hunt_results", added=2), line("hunt_results", org="O1")])
    assert (result.outcome, result.detail) == ("failed", "root: 2 more")


def test_steps_come_with_their_group():
    outcome = {"step": "x", "status": "done", "detail": "", "seconds": 1.0, "findings": []}
    ran = {"proof": [outcome], "collections": [], "server": [outcome, outcome]}
    found = steps_of({group: {"outcomes": outcomes} for group, outcomes in ran.items()})
    assert [group for group, _ in found] == ["server", "server", "proof"]
    assert steps_of({}) == []
