"""One recovery at a time: whoever slept too long doesn't go on beside the next one."""

import time

import pytest

from recovery.errors import RecoveryError, TargetError
from recovery.restore import hold_machine as module
from recovery.restore.hold_machine import hold_machine
from recovery.target import open_target


@pytest.fixture
def target(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "PATH", str(tmp_path / "held" / "lock"))
    monkeypatch.setattr(module, "_SILENCE", 1)
    opened = open_target("local://")
    yield opened
    opened.close()


def nothing(_line):
    pass


def test_a_lock_that_was_lost_is_told_and_free_for_the_next(target, monkeypatch):
    monkeypatch.setattr(module, "_BEAT", 3600.0)  # as of a computer that sleeps
    with hold_machine(target, nothing) as first:
        first()
        deadline = time.monotonic() + 10
        with pytest.raises(TargetError, match="away too long") as lost:  # noqa: PT012 - a loop
            while time.monotonic() < deadline:
                first()
                time.sleep(0.05)
        assert "run the same again" in lost.value.hint
        with hold_machine(target, nothing, patience=0) as second:
            second()


def test_a_machine_that_refuses_says_what_a_recovery_needs(target, monkeypatch):
    monkeypatch.setattr(module, "PATH", "/proc/held/lock")  # nobody may write there, root neither
    with pytest.raises(RecoveryError) as refused, hold_machine(target, nothing):
        pass
    assert "needs root's rights there, and a little space" in refused.value.hint


def test_a_beating_one_is_held_and_nobody_else_gets_it(target, monkeypatch):
    monkeypatch.setattr(module, "_BEAT", 0.1)
    with hold_machine(target, nothing) as first:
        time.sleep(1.5)
        first()
        with pytest.raises(TargetError, match="at work"), hold_machine(target, nothing, patience=0):
            pass
