"""The drill's clock: phases that follow each other, and moments within them."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime


@dataclass(frozen=True)
class Phase:
    """``began`` and ``seconds`` are counted from the drill's start."""

    name: str
    began: float
    seconds: float


@dataclass(frozen=True)
class Moment:
    """Something that happened ``at`` seconds after the drill's start."""

    name: str
    at: float


@dataclass
class Clock:
    """Times everything that the report shows. Monotonic inside, UTC for people."""

    on_phase: Callable[[str], None] = lambda _name: None
    on_end: Callable[[Phase], None] = lambda _phase: None
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    phases: list[Phase] = field(default_factory=list)
    moments: list[Moment] = field(default_factory=list)
    _zero: float = field(default_factory=time.monotonic)

    def now(self) -> float:
        """Seconds since the drill's start."""
        return time.monotonic() - self._zero

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """A phase; it is kept also when it fails."""
        self.on_phase(name)
        began = self.now()
        try:
            yield
        finally:
            phase = Phase(name, round(began, 3), round(self.now() - began, 3))
            self.phases.append(phase)
            self.on_end(phase)

    def mark(self, name: str) -> float:
        """Notes a moment, once; its time."""
        for moment in self.moments:
            if moment.name == name:
                return moment.at
        at = round(self.now(), 3)
        self.moments.append(Moment(name, at))
        return at

    def at(self, name: str) -> float | None:
        """When it happened, or None."""
        return next((moment.at for moment in self.moments if moment.name == name), None)
