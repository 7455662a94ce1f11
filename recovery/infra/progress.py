"""Progress lines out of a provider's process."""

import sys


def say(line: str) -> None:
    """Tells the operator; the engine shows what a provider writes to its standard error."""
    print(line, file=sys.stderr, flush=True)  # noqa: T201
