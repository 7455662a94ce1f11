"""One recovery at a time on a machine, whoever starts it and from wherever.

The lock is the kernel's, held by a shell on the machine whose standard input comes from here:
a killed recovery, or a lost connection, ends that shell, and with it the lock. A heartbeat
covers connections that break without a word.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from recovery.errors import RecoveryError, TargetError
from recovery.restore.journal import FOLDER
from recovery.target import Target
from recovery.target.conversation import Conversation

PATH = f"{FOLDER}/lock"
_BEAT = 10.0
_SILENCE = 60
"""Seconds without a heartbeat after which the machine gives the lock back."""
_PATIENCE = 3600
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
    while the lock is asked for.
    Raises :class:`TargetError` when the machine can't be reached, or is still held then.
    """
    target.connect()
    argv = ["bash", "-c", _SCRIPT, "hold", PATH, str(patience), str(_SILENCE)]
    holder = Conversation(target, argv, "holds the machine")
    stop = threading.Event()

    def beat() -> None:
        while not stop.wait(_BEAT):
            with suppress(RecoveryError):
                holder.tell(b"\n")

    def still_held() -> None:
        if not holder.lasts:
            raise TargetError(
                "this computer, or its connection, was away too long: the machine may be another "
                "recovery's by now",
                target=target.uri,
                hint="run the same again: it goes on from here",
            )

    heartbeat = threading.Thread(target=beat, name="heartbeat", daemon=True)
    try:
        meanwhile()
        _await_lock(holder, target.uri, say)
        heartbeat.start()
        yield still_held
    finally:
        stop.set()
        if heartbeat.ident:
            heartbeat.join()
        holder.close()


def _await_lock(holder: Conversation, uri: str, say: Callable[[str], None]) -> None:
    heard = ""
    while "held" not in heard:
        piece = holder.hear().decode()
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
            refused = holder.why_it_ended()
            refused.hint = refused.hint or _NEEDS
            raise refused
