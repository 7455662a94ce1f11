"""One setup at a time on a machine: a second one waits, then finds everything there."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from setup.places import cache_folder, private_folder
from setup.progress import say


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Hold the lock of the cache folder; the kernel gives it back even after a kill."""
    path = private_folder(cache_folder()) / "setup.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 32, 0).decode().strip()
            say("lock", f"another setup (pid {holder}) is at work; waiting for it")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)
