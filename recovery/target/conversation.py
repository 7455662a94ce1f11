"""A command that stays on a machine: it is told things, and answers, while it runs."""

import os
import shutil
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import BinaryIO

from recovery.errors import RecoveryError, TargetError
from recovery.target.protocol import Target

_FOREVER = 20 * 86400.0
"""Seconds. The kernel counts a wait in milliseconds of 31 bits: 24 days are the most."""
_ENDS_WITHIN = 10.0


class Conversation:
    """``argv`` on ``target``, from now until it ends, or :meth:`close`. For one thread at a time.

    Starts without waiting for it; what goes wrong then is raised by the next call.
    """

    def __init__(self, target: Target, argv: Sequence[str], name: str) -> None:
        self._uri = target.uri
        self._failed: list[RecoveryError] = []
        reads, writes = os.pipe()
        hears, answers = os.pipe()
        self._hears = os.fdopen(hears, "rb", 0)
        self._tells = os.fdopen(writes, "wb")

        def run() -> None:
            # Unbuffered: each side gets what there is, at once.
            with os.fdopen(reads, "rb", 0) as stdin, os.fdopen(answers, "wb", 0) as stdout:
                try:
                    target.run(argv, stdin=stdin, stdout=stdout, timeout=_FOREVER)
                except RecoveryError as refused:
                    self._failed.append(refused)

        self._thread = threading.Thread(target=run, name=name, daemon=True)
        self._thread.start()

    @property
    def lasts(self) -> bool:
        """Whether it is still going on."""
        return self._thread.is_alive()

    def tell(self, what: bytes, content: BinaryIO | None = None) -> None:
        """Writes ``what``, then all of ``content``, to the command's standard input.

        Raises :class:`RecoveryError` when it has ended.
        """
        try:
            self._tells.write(what)
            if content is not None:
                shutil.copyfileobj(content, self._tells, 1 << 16)
            self._tells.flush()
        except OSError as ended:
            raise self.why_it_ended() from ended

    def hear(self) -> bytes:
        """The next piece of what it writes; empty when it has ended."""
        return self._hears.read(1 << 16) or b""

    def why_it_ended(self) -> RecoveryError:
        """What it failed with; once it has ended."""
        self._thread.join(_ENDS_WITHIN)
        words = "a command that was to stay there has ended"
        return self._failed[0] if self._failed else TargetError(words, target=self._uri)

    def end(self) -> None:
        """Ends its input, after which it ends by itself. Nothing is told or heard any more."""
        self._tell_no_more()
        self._hears.close()

    def close(self) -> None:
        """Ends its input, and waits for its end."""
        self._tell_no_more()
        self._thread.join(_ENDS_WITHIN)
        self._hears.close()

    def _tell_no_more(self) -> None:
        with suppress(OSError):  # what was told to one that has ended
            self._tells.close()
