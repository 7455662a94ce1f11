"""Hunts released as a command of its own: not beside a recovery, nor in the middle of one."""

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
