"""Ends what this process has started and not ended, so that a cleanup cleans up for good.

A drill that is interrupted during an update leaves the Pulumi engine running, which would go
on making containers behind the cleanup's back.
"""

import contextlib
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

_PATIENCE = 5.0


def descendants(pid: int) -> list[int]:
    """The processes below ``pid``, nearest first; from /proc, none where there is no /proc."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in task.read_text().split():
                found += [int(child), *descendants(int(child))]
    return found


def working_in(folder: Path) -> list[int]:
    """The processes whose working folder is below ``folder``: an engine's providers outlive it."""
    found = []
    for link in Path("/proc").glob("[0-9]*/cwd"):
        with contextlib.suppress(OSError):
            where = str(link.readlink()).removesuffix(" (deleted)")
            if Path(where).is_relative_to(folder):
                found.append(int(link.parent.name))
    return [pid for pid in found if pid != os.getpid()]


def end_children(folder: Path) -> int:
    """Ends this process' descendants and whoever works in ``folder``; how many there were."""
    return end_processes([*descendants(os.getpid()), *working_in(folder)])


def end_processes(pids: Sequence[int]) -> int:
    """SIGTERM, then after five seconds SIGKILL; how many there were."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        deadline = time.monotonic() + _PATIENCE
        while any(_lives(pid) for pid in pids) and time.monotonic() < deadline:
            time.sleep(0.05)
    return len(set(pids))


def _lives(pid: int) -> bool:
    """Whether it runs; one that has ended and only waits to be read (Z) doesn't."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (OSError, IndexError):
        return False
