"""Hunts released as a command of its own: not beside a recovery, nor in the middle of one."""

import json

import pytest

from recovery.errors import RecoveryError
from recovery.restore import release_hunts
from recovery.restore.context import Context
from recovery.restore.ledger import Ledger
from recovery.restore.release_hunts import release_alone
from recovery.restore.request import parse_request
from recovery.restore.step import Report
from tests.unit.restore.simulator import Machine, World


@pytest.fixture
def context(monkeypatch):
    """A machine on which an import was cut off; ``held`` says who holds it, and what was done."""
    world, done = World(), []
    Ledger(Machine(world)).begin([("root", "C.1", "F.1")])
    context = Context(parse_request(target="simulated://"), done.append)
    context.__dict__["target"] = Machine(world)
    monkeypatch.setattr(Context, "hold", lambda _self: done.append("held"))
    monkeypatch.setattr(
        release_hunts, "release_hunts", lambda _context, only: done.append(only) or Report("")
    )
    context.done = done
    return context


@pytest.mark.parametrize(
    ("only", "started", "said"),
    [
        (frozenset(), ["H.WHOLE"], "1 hunt released, 1 have expired and stay paused"),
        (frozenset({"H.LOST"}), ["H.LOST"], "1 hunt released"),
    ],
)
def test_hunts_without_parameters_and_expired_ones_stay_paused(monkeypatch, only, started, said):
    """They would run with defaults; one that is named is started all the same."""
    ran, asked = ["H.WHOLE", "H.LOST", "H.OVER"], []

    class Api:
        def query(self, vql, *, env=None, org):
            assert org == "root"
            given = [one["Hunt"] for one in json.loads(env["Hunts"])] if env else []
            if vql == release_hunts._LOST:
                return [{"Lost": hunt} for hunt in given if hunt == "H.LOST"]
            if vql == release_hunts._START:
                asked.extend(given)
                return [{"Hunt": hunt, "Started": True} for hunt in given]
            return [{"Hunt": hunt, "Over": hunt == "H.OVER"} for hunt in [*ran, "H.OTHER"]]

    class Were:
        orgs = ("root",)

        def __init__(self, _context):
            pass

        def among(self, _org, hunts):
            return [hunt for hunt in hunts if hunt in ran]

    monkeypatch.setattr(release_hunts, "WereRunning", Were)
    context = Context(parse_request(target="simulated://"), print)
    context.api = Api
    report = release_hunts.release_hunts(context, only)
    assert (asked, report.detail) == (started, said)
    assert len(report.findings) == (not only)


def test_nothing_is_released_in_the_middle_of_an_import(context):
    with pytest.raises(RecoveryError, match=r"cut off there \(1 flow of it\)") as refused:
        release_alone(context)
    assert "No hunt was started" in refused.value.hint
    assert context.done == ["held"]


def test_a_named_hunt_is_released_all_the_same(context):
    release_alone(context, frozenset({"H.1"}))
    assert context.done == ["held", frozenset({"H.1"})]


def test_once_the_import_came_to_its_end_they_are(context):
    context.ledger.finish({("root", "C.1", "F.1"): "2 of 3 rows arrived"})
    release_alone(context)
    assert context.done == ["held", frozenset()]
