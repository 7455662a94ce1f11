"""Ctrl-C, SIGTERM and SIGHUP end a drill the same way: what it made is removed first."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(KeyboardInterrupt):
    """The operator, or the machine, wants the drill to end. ``number``: the signal's."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number

    @property
    def exit_code(self) -> int:
        """As a shell reports it: 128 and the signal's number."""
        return 128 + self.number


@contextmanager
def interruptible() -> Iterator[None]:
    """The first signal raises :class:`Interrupted`; further ones wait until the block is left."""

    def interrupt(number: int, _frame: FrameType | None) -> None:
        for other in _ENDS:
            signal.signal(other, signal.SIG_IGN)
        raise Interrupted(number)

    before = {number: signal.signal(number, interrupt) for number in _ENDS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
