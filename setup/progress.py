"""Progress lines. They go to standard error, so that `make drill ARGS=--json` stays JSON."""

import sys


def say(part: str, text: str) -> None:
    """Print one line about one part."""
    print(f"setup  {part:<16} {text}", file=sys.stderr, flush=True)


def seconds(value: float) -> str:
    """Word a duration in seconds: `0.3 s`, `42 s`, `4 min 07 s`."""
    minutes, rest = divmod(int(value), 60)
    if minutes:
        return f"{minutes} min {rest:02d} s"
    return f"{value:.2g} s" if value >= 1 else f"{value:.1f} s"


def megabytes(size: int) -> str:
    """Word a size in bytes as megabytes."""
    return f"{size / 1e6:.0f} MB"
