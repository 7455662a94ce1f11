"""A command's standard input that is made while the command already runs."""

import os
import threading
from collections.abc import Callable
from typing import BinaryIO, Self, cast

from recovery.errors import RecoveryError


class Beside:
    """``stream`` gives ``first``, then what ``make`` returns, once it has; no more where it failed.

    A context manager around the command; ``failed`` is what ``make`` raised.
    """

    def __init__(self, make: Callable[[], bytes], first: bytes = b"") -> None:
        self._make = make
        self._first = first
        self.failed: RecoveryError | None = None
        reading, self._writing = os.pipe()
        # Unbuffered: a target that reads a large piece gets what there is, and not only once all
        # is made.
        self.stream = cast("BinaryIO", os.fdopen(reading, "rb", buffering=0))
        self._thread = threading.Thread(target=self._fill, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        # A command that ended early has read nothing: the writer must not wait for it.
        while self.stream.read(1 << 16):
            pass
        self._thread.join()
        self.stream.close()

    def _fill(self) -> None:
        with os.fdopen(self._writing, "wb") as out:
            try:
                out.write(self._first)
                out.flush()
                out.write(self._make())
            except RecoveryError as error:
                self.failed = error
