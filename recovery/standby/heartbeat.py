"""Signs of life for a guarded server, for as long as something of the pair is at work.

A sync may take hours, and may fail because of the spare: neither is a reason for the server to
stop. Where the spare can't note the new deadline, the vault notes that there is one it doesn't
know of; a promotion without word from the old server then waits a whole deadline.
"""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from recovery.errors import RecoveryError
from recovery.standby import guard
from recovery.standby.pair import Machine, Pair, who_serves
from recovery.standby.reach import opened
from recovery.vault.lease import Lease
from recovery.vault.shelf_vault import ShelfVault

_FOLDER = "standby/guard"
_SHARE = 4


@contextmanager
def heartbeat(vault: ShelfVault, pair: Pair, lease: Lease) -> Iterator[None]:
    """Moves the deadline of the lease's holder now, and again and again until the end.

    Does nothing for a pair without a guard, nor once another holds the lease.
    """
    if not pair.guard_seconds:
        yield
        return
    beat(vault, pair, lease)
    over = threading.Event()

    def go_on() -> None:
        while not over.wait(pair.guard_seconds / _SHARE):
            beat(vault, pair, lease)

    thread = threading.Thread(target=go_on, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def beat(vault: ShelfVault, pair: Pair, lease: Lease) -> bool:
    """One sign of life; False when the server could not be given it: it stops itself then."""
    active = pair.machine(lease.holder)
    try:
        if who_serves(vault, pair)[0] != lease:
            return False
        with ExitStack() as stack:
            server = opened(stack, active)
            server.run(["true"], timeout=15)
            try:
                spare = opened(stack, pair.other(active))
                guard.renew(server, spare, pair.guard_seconds)
            except RecoveryError:
                _note(vault, pair, active)
                guard.renew_alone(server, pair.guard_seconds)
            else:
                _forget(vault, pair, active)
    except RecoveryError:
        return False
    return True


def seconds_unknown(vault: ShelfVault, pair: Pair, active: Machine) -> int:
    """How long a promotion waits at least for ``active``: a deadline that the spare missed."""
    missed = vault.shelf.size(_path(pair, active)) is not None
    return pair.guard_seconds + guard.MARGIN if missed else 0


def _note(vault: ShelfVault, pair: Pair, active: Machine) -> None:
    if vault.shelf.size(_path(pair, active)) is None:
        vault.shelf.create(_path(pair, active), b"{}")
        vault.shelf.settle()


def _forget(vault: ShelfVault, pair: Pair, active: Machine) -> None:
    if vault.shelf.size(_path(pair, active)) is not None:
        vault.shelf.remove(_path(pair, active))


def _path(pair: Pair, active: Machine) -> str:
    place = pair.machines.index(active)
    return f"{_FOLDER}/{pair.deployment[:16]}-{place}.missed"
