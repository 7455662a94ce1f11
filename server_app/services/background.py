"""Jobs that a running server repeats: each in a thread, all stopped together."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable

log = logging.getLogger("server_app")
_dice = random.SystemRandom()


def jitter(seconds: float) -> float:
    """The wait, ±10 % (facts: client_info_write_time)."""
    return seconds * _dice.uniform(0.9, 1.1)


class Background:
    """Runs jobs until `stop`."""

    def __init__(self) -> None:
        self.stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def run(self, name: str, job: Callable[[threading.Event], None]) -> None:
        """Starts `job(stopping)` in a thread."""
        thread = threading.Thread(target=job, args=(self.stopping,), name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def every(self, name: str, seconds: float, job: Callable[[], object]) -> None:
        """Repeats `job` with the given wait ±10 % before each time; a failure is only logged."""

        def loop(stopping: threading.Event) -> None:
            while not stopping.wait(jitter(seconds)):
                try:
                    job()
                except Exception:
                    log.exception("%s failed", name)

        self.run(name, loop)

    def stop(self) -> None:
        """Asks all jobs to end and waits for them."""
        self.stopping.set()
        for thread in self._threads:
            thread.join(timeout=30)
        self._threads.clear()
