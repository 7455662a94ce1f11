"""Whose end was a clean one: only then is the client list on the disk the last word."""

import pytest

from recovery.standby.fence import may_end_cleanly


@pytest.mark.parametrize(
    ("state", "result", "ended", "clean"),
    [
        ("active", "success", "0", True),
        ("deactivating", "success", "0", True),
        ("inactive", "success", "81234567", True),
        # Never ran since the machine booted: how it ended before is not known.
        ("inactive", "success", "0", False),
        ("failed", "signal", "81234567", False),
        ("activating", "success", "0", False),
        ("activating", "exit-code", "81234567", False),
    ],
)
def test_a_clean_end(state, result, ended, clean):
    shown = f"ActiveState={state}\nResult={result}\nExecMainExitTimestampMonotonic={ended}\n"
    assert may_end_cleanly(shown) is clean


def test_a_machine_without_systemd_says_nothing():
    assert not may_end_cleanly("")
