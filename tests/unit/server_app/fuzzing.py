"""How long a fuzzed test goes on: in CI a few examples, always the same; in `make fuzz` until its
time is over, with ever new ones.
"""

import functools
import math
import os
import time
from collections.abc import Callable, Sequence
from typing import Any

VARIABLE = "RECOVERY_FUZZ"
"""Seconds that all the fuzzed tests of a run take together."""
SECONDS = float(os.environ.get(VARIABLE) or 0)
_share = [0.0]


def examples(usual: int) -> dict[str, object]:
    """For hypothesis.settings: how many a round, and whether each round has others."""
    return {"max_examples": usual, "derandomize": not SECONDS}


def fuzzed(test: Callable[..., None]) -> Callable[..., None]:
    """Repeats a hypothesis test, round after round, until its share of the time is over."""

    @functools.wraps(test)
    def rounds(*arguments: Any, **named: Any) -> None:
        end = time.monotonic() + _share[0]
        test(*arguments, **named)
        while time.monotonic() < end:
            test(*arguments, **named)

    rounds.is_fuzzed = True  # type: ignore[attr-defined]
    return rounds


def share_out(tests: Sequence[Any]) -> None:
    """Gives each fuzzed one of the collected tests as much time as lets all end when asked."""
    number = sum(getattr(getattr(test, "obj", None), "is_fuzzed", False) for test in tests)
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT") or 1)
    _share[0] = SECONDS / math.ceil(number / workers) if number else 0.0
