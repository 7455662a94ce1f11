"""A folder of one run's own, 0700, gone at its end; and those that killed runs have left.

In it are opened parts of a sealed point: the server's keys, its users' hashes. A killed run can't
take them away; the next one does.
"""

import fcntl
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PREFIX = "recovery-work-"
_LOCK = ".held"
_FRESH = 3600.0
"""Seconds for which a folder without a lock may be one that is being made."""


@contextmanager
def work_folder() -> Iterator[Path]:
    """The folder; held by the kernel's lock for as long as its run lives."""
    _take_away_left_ones(Path(tempfile.gettempdir()))
    with tempfile.TemporaryDirectory(prefix=_PREFIX) as name:
        whole, making = Path(name), Path(name) / f"{_LOCK}.new"
        folder = whole / "files"
        folder.mkdir(mode=0o700)
        with making.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            making.rename(whole / _LOCK)  # nobody sees it without its lock
            yield folder


def _take_away_left_ones(where: Path) -> None:
    for folder in where.glob(f"{_PREFIX}*"):
        try:
            about = folder.lstat()
            own = stat.S_ISDIR(about.st_mode) and about.st_uid == os.geteuid()
            if own and not _is_held(folder, about.st_mtime):
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            continue  # gone meanwhile


def _is_held(folder: Path, changed: float) -> bool:
    try:
        with (folder / _LOCK).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return time.time() - changed < _FRESH
    except BlockingIOError:
        return True
    return False
