"""How many examples a fuzzed test gets: few, the same ones, in CI; many new ones in `make fuzz`."""

import os

VARIABLE = "RECOVERY_FUZZ"
"""So many times the usual number, each run with other examples."""
TIMES = int(os.environ.get(VARIABLE) or 0)


def examples(usual: int) -> dict[str, object]:
    """For hypothesis.settings."""
    return {"max_examples": usual * max(TIMES, 1), "derandomize": not TIMES}
