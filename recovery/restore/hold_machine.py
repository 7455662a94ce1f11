"""One recovery at a time on a machine, whoever starts it and from wherever.

The lock is the kernel's, held by a shell on the machine whose standard input comes from here:
a killed recovery, or a lost connection, ends that shell, and with it the lock. A heartbeat
covers connections that break without a word.
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from recovery.errors import RecoveryError, TargetError
from recovery.restore.journal import FOLDER
from recovery.target import Target

PATH = f"{FOLDER}/lock"
_BEAT = 10.0
_SILENCE = 60
"""Seconds without a heartbeat after which the machine gives the lock back."""
_PATIENCE = 3600
_FOREVER = 20 * 86400.0
"""Seconds. The kernel counts a wait in milliseconds of 31 bits: 24 days are the most."""
_NEEDS = f"a recovery needs root's rights there, and a little space below {FOLDER}"
_SCRIPT = """umask 077; mkdir -p "${1%/*}"; exec 9>>"$1" || exit 1
flock -n 9 || { echo waiting; flock -w "$2" 9 || { echo busy; exit 0; }; }
echo held
while read -r -t "$3" _; do :; done
"""


@contextmanager
def hold_machine(
    target: Target,
    say: Callable[[str], None],
    *,
    patience: int = _PATIENCE,
    meanwhile: Callable[[], None] = lambda: None,
) -> Iterator[Callable[[], None]]:
    """Holds the machine's lock; waits up to ``patience`` seconds for another recovery to end.

    Gives what raises :class:`TargetError` once the lock is lost: a computer that slept longer than
    the machine's patience would go on beside whoever has taken it since. ``meanwhile`` is called
    once the machine answers, while the lock is asked for.
    Raises :class:`TargetError` when the machine can't be reached, or is still held then.
    """
    target.run(["true"])
    beat_from, beat_to = os.pipe()
    told_from, told_to = os.pipe()
    failed: list[RecoveryError] = []
    stop = threading.Event()

    def hold() -> None:
        argv = ["bash", "-c", _SCRIPT, "hold", PATH, str(patience), str(_SILENCE)]
        try:
            with os.fdopen(beat_from, "rb", 0) as stdin, os.fdopen(told_to, "wb", 0) as stdout:
                target.run(argv, stdin=stdin, stdout=stdout, timeout=_FOREVER)
        except RecoveryError as lost:
            lost.hint = lost.hint or _NEEDS
            failed.append(lost)

    def beat() -> None:
        while not stop.wait(_BEAT):
            with suppress(OSError):
                os.write(beat_to, b"\n")

    def still_held() -> None:
        if not holder.is_alive():
            raise TargetError(
                "this computer, or its connection, was away too long: the machine may be another "
                "recovery's by now",
                target=target.uri,
                hint="run the same again: it goes on from here",
            )

    holder = threading.Thread(target=hold, name="holds the machine", daemon=True)
    holder.start()
    try:
        meanwhile()
        _await_lock(told_from, target.uri, failed, holder, say)
        threading.Thread(target=beat, name="heartbeat", daemon=True).start()
        yield still_held
    finally:
        stop.set()
        os.close(beat_to)
        holder.join(10)
        os.close(told_from)


def _await_lock(
    told: int,
    uri: str,
    failed: list[RecoveryError],
    holder: threading.Thread,
    say: Callable[[str], None],
) -> None:
    heard = ""
    while "held" not in heard:
        piece = os.read(told, 64).decode()
        if "waiting" in piece:
            say("another recovery is at work on this machine; waiting for it to end")
        heard += piece
        if "busy" in heard:
            raise TargetError(
                "another recovery is at work on this machine",
                target=uri,
                hint="wait for it, or end it; what it has done is not done again",
            )
        if not piece:
            holder.join(10)
            raise failed[0] if failed else TargetError("the machine's lock was lost", target=uri)
