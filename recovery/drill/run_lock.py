"""Which drills are at work: each holds a lock of the kernel's, which ends with its process."""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from recovery.drill.names import Run
from recovery.drill.places import runs_folder


@contextmanager
def running(run: Run) -> Iterator[Path]:
    """Makes the run's folder (0700), and holds its lock for as long as this process lives."""
    run.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with run.lock.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield run.folder


def is_held(lock: Path) -> bool:
    """Whether a living process on this machine holds the lock; True where it can't be told."""
    try:
        with lock.open("r+") as opened:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def known_runs() -> list[Run]:
    """The runs that have a folder here."""
    return [Run(path.name) for path in sorted(runs_folder().glob("??????"))]


def remove_folder(run: Run) -> None:
    """Removes the run's folder with all keys in it."""
    shutil.rmtree(run.folder, ignore_errors=True)
