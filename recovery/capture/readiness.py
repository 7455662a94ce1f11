"""Is this server recoverable now? The lines of the answer, and the verdict over them.

What could not be looked at is never good: it is ``unknown``, and unknown is not ready.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal

from prometheus_client import CollectorRegistry, Gauge, write_to_textfile

Level = Literal["good", "warning", "unknown", "bad"]
_LEVELS: tuple[Level, ...] = ("good", "warning", "unknown", "bad")
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


@dataclass(frozen=True)
class Line:
    """One thing looked at: ``says`` what was found, ``remedy`` what to do about it."""

    name: str
    level: Level
    says: str
    remedy: str = ""
    value: float | None = None
    """A number for monitoring, where there is one: seconds, in most lines."""


def verdict(lines: Sequence[Line]) -> Level:
    """The worst of all lines; ``unknown`` when nothing was looked at."""
    return max((line.level for line in lines), key=_LEVELS.index, default="unknown")


def exit_code(lines: Sequence[Line]) -> int:
    """For monitoring: 0 recoverable, 1 with warnings, 2 not or not known."""
    return {"good": 0, "warning": 1, "unknown": 2, "bad": 2}[verdict(lines)]


def in_words(length: timedelta) -> str:
    """``3 d 4 h``, ``5 h 12 min``, ``7 min``, ``12 s``: two units at most."""
    seconds = max(0, int(length.total_seconds()))
    if seconds >= _DAY:
        return f"{seconds // _DAY} d {seconds % _DAY // _HOUR} h"
    if seconds >= _HOUR:
        return f"{seconds // _HOUR} h {seconds % _HOUR // _MINUTE} min"
    return f"{seconds // _MINUTE} min" if seconds >= _MINUTE else f"{seconds} s"


def write_prometheus(lines: Sequence[Line], path: Path, now: float) -> None:
    """A text file for the node exporter, replaced as a whole."""
    registry = CollectorRegistry()
    checks = Gauge(
        "velociraptor_recovery_check",
        "0 good, 1 warning, 2 unknown, 3 bad",
        ["check"],
        registry=registry,
    )
    values = Gauge(
        "velociraptor_recovery_value",
        "the number behind a check: seconds, or a count",
        ["check"],
        registry=registry,
    )
    for line in lines:
        checks.labels(line.name).set(_LEVELS.index(line.level))
        if line.value is not None:
            values.labels(line.name).set(line.value)
    Gauge("velociraptor_recovery_ready", "1 when recoverable", registry=registry).set(
        exit_code(lines) < 2  # noqa: PLR2004
    )
    Gauge("velociraptor_recovery_looked_at", "time of this look", registry=registry).set(now)
    write_to_textfile(str(path), registry)
