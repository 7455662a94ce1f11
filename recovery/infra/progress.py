"""Progress lines out of a provider's process."""

import sys

from recovery.plain_text import plain


def say(line: str) -> None:
    """Tells the operator; the engine shows what a provider writes to its standard error."""
    print(plain(line), file=sys.stderr, flush=True)  # noqa: T201
