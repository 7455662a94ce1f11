"""Unattended: syncs on a timer, watches the server, and promotes when it stays away for so long.

Off by default (without ``--promote-after`` it only syncs and looks). It promotes a spare only
where the old server is stopped for certain: it can be reached and stopped, or it has a guard
that has stopped it by now. A network cut between here and the server is no reason by itself.
"""

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

from recovery.errors import RecoveryError
from recovery.standby import guard
from recovery.standby.fence import reaches
from recovery.standby.pair import Pair, who_serves
from recovery.standby.promote import promote
from recovery.standby.promotion import Promotion
from recovery.standby.reach import opened
from recovery.standby.status import Status, look
from recovery.standby.sync import sync
from recovery.standby.try_copy import try_copy
from recovery.switch.protocol import Switch
from recovery.vault.shelf_vault import ShelfVault
from recovery.velociraptor.bind_addresses import reachable_at
from recovery.velociraptor.config import SERVICE
from recovery.velociraptor.read_config import read_config

Say = Callable[[str], None]


@dataclass(frozen=True)
class Rhythm:
    """Seconds between two syncs, two looks at the server, and until a promotion (0: never)."""

    sync: float = 30.0
    look: float = 5.0
    promote_after: float = 0.0
    check: float = 0.0
    """Between two trials of the spare's copy; 0: none."""


def ill(vault: ShelfVault, pair: Pair) -> str:
    """Why the server that holds the lease does not serve; empty when it does."""
    _, active = who_serves(vault, pair)
    with ExitStack() as stack:
        target = opened(stack, active)
        if trouble := reaches(target):
            return f"it can't be reached: {trouble}"
        state = target.run(["systemctl", "is-active", SERVICE], check=False).text
        if state != "active":
            return f"its service is {state}"
        config = read_config(target)
        host, port = reachable_at(target, config, "Frontend"), str(config.frontend_port)
        probe = ["bash", "-c", 'exec 3<>"/dev/tcp/$1/$2"', "port", host, port]
        if target.run(probe, check=False, timeout=15).returncode:
            return f"nothing listens on port {config.frontend_port}"
    return ""


def may_promote(reached: bool, guard_seconds: int, noted: int | None) -> bool:
    """Whether the old server can be made certain not to serve, without a person. Pure.

    ``noted``: the spare's note of the guard's deadline; None: it was never armed.
    """
    return reached or (guard_seconds > 0 and noted is not None)


def watch(
    vault: ShelfVault,
    pair: Pair,
    switch: Switch | None,
    rhythm: Rhythm,
    say: Say,
    *,
    looked: Callable[[Status], None] = lambda _status: None,
    turns: int = 0,
) -> Promotion | None:
    """Runs until it has promoted (or for ``turns`` looks; 0: for ever).

    ``looked`` gets the status after each sync, and as often while none is possible. No error
    ends it: each is said. Raises :class:`BadInputError` for a rhythm that the pair's guard
    doesn't allow.
    """
    guard.check_rhythm(pair.guard_seconds, rhythm.sync)
    next_sync = next_check = ill_since = 0.0
    turn = 0
    trial = _Beside(lambda: _check(vault, pair, say))
    while not turns or turn < turns:
        turn += 1
        now = time.monotonic()
        try:
            trouble = ill(vault, pair)
        except RecoveryError as refused:
            trouble = refused.message
        if not trouble:
            ill_since = 0.0
            if now >= next_sync:
                _sync(vault, pair, say, looked)
                # From its beginning: a sync that takes long must not stretch the rhythm.
                next_sync = now + rhythm.sync
            elif rhythm.check and now >= next_check:
                trial.begin()
                next_check = now + rhythm.check
        else:
            ill_since = ill_since or now
            away = now - ill_since
            say(f"the server is ill for {away:.0f} s: {trouble}")
            if now >= next_sync:
                _look(vault, pair, say, looked)
                next_sync = now + rhythm.sync
            if rhythm.promote_after and away >= rhythm.promote_after:
                promotion = _promote(vault, pair, switch, say)
                if promotion is not None:
                    return promotion
        time.sleep(max(0.0, rhythm.look - (time.monotonic() - now)))
    return None


class _Beside:
    """Something long, one at a time, while the turns go on: a large copy takes an hour to try."""

    def __init__(self, act: Callable[[], None]) -> None:
        self._act = act
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        """Does nothing while the one before is still at work."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._act, daemon=True)
            self._thread.start()


def _sync(vault: ShelfVault, pair: Pair, say: Say, looked: Callable[[Status], None]) -> None:
    try:
        done = sync(vault, pair, say)
        for finding in done.findings:
            say(f"sync: {finding}")
    except RecoveryError as refused:
        say(f"sync: {refused}")
    _look(vault, pair, say, looked)


def _look(vault: ShelfVault, pair: Pair, say: Say, looked: Callable[[Status], None]) -> None:
    """The lag goes on while nothing is copied: whoever watches it has to see that."""
    try:
        looked(look(vault, pair))
    except RecoveryError as refused:
        say(f"look: {refused}")


def _check(vault: ShelfVault, pair: Pair, say: Say) -> None:
    try:
        say(f"check: {try_copy(vault, pair, say)['says']}")
    except RecoveryError as refused:
        say(f"check: {refused}")


def _promote(vault: ShelfVault, pair: Pair, switch: Switch | None, say: Say) -> Promotion | None:
    _, active = who_serves(vault, pair)
    try:
        with ExitStack() as stack:
            reached = not reaches(opened(stack, active))
            noted = guard.seconds_left(opened(stack, pair.other(active)))
    except RecoveryError as refused:
        say(f"it is not promoted: the spare can't be reached either: {refused.message}")
        return None
    if not may_promote(reached, pair.guard_seconds, noted):
        say(
            "it is not promoted: the old server can't be reached to be stopped, and has no guard "
            "(`recovery standby init --guard 3m`); `recovery standby promote --old-server-is-dead` "
            "is a person's to say"
        )
        return None
    try:
        return promote(vault, pair, switch, say, old_is_dead=not reached, why="watch")
    except RecoveryError as refused:
        say(f"promote: {refused}")
        return None
