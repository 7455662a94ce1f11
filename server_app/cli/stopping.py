"""The signals that end a program, as an event."""

from __future__ import annotations

import signal
import threading
from types import FrameType

_ENDING = (signal.SIGTERM, signal.SIGINT)


def ending() -> threading.Event:
    """An event that SIGTERM or SIGINT sets; both are ignored from then on.

    systemd signals every process of a unit, and the executable's first process passes the signal
    on: it comes twice. The second one, arriving while the first sets the event, would wait for
    the lock that the first holds, for ever.
    """
    event = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        for number in _ENDING:
            signal.signal(number, signal.SIG_IGN)
        event.set()

    for number in _ENDING:
        signal.signal(number, end)
    return event
