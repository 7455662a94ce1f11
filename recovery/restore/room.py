"""Room on the server's disks: from a full one a server takes nothing, and doesn't tell why."""

import time
from collections.abc import Callable
from typing import TypeVar

from recovery.errors import RecoveryError, ServerError
from recovery.restore.context import Context

_NEEDED = 50_000_000
"""Bytes below which a server writes nothing (facts: Server and clients)."""
_NO_SPACE = "Insufficient disk space"
_LOOKS = 30.0
"""Seconds within which a server looks at its disk again: every 20 (read in its source)."""
_PAUSE = 1.0
Found = TypeVar("Found")


def full_disks(context: Context) -> list[str]:
    """A sentence for each of the server's folders whose disk is too full to write to."""
    ask = ["df", "--output=avail,target", "-B1", "--", *context.config.folders]
    try:
        return too_full(context.target.run(ask).text)
    except RecoveryError:
        return []  # it only explains what is a finding already


def too_full(table: str) -> list[str]:
    """The same from what `df` wrote: a line of heads, then bytes and where it is mounted. Pure."""
    told = []
    for line in sorted(set(table.splitlines()[1:])):
        free, _, place = line.strip().partition(" ")
        if free.isdigit() and int(free) < _NEEDED:
            told.append(
                f"the disk of {place.strip()} is full ({int(free) / 1e6:.0f} MB free; a server "
                "writes nothing below 50): make space there, then run the same again"
            )
    return told


def once_there_is_room(context: Context, ask: Callable[[], Found]) -> Found:
    """What ``ask`` gives; a server that has not seen yet that room was made is waited for.

    Raises :class:`ServerError` as ``ask`` does; where the disk is full, with words that say so.
    """
    deadline = time.monotonic() + _LOOKS
    told = False
    while True:
        try:
            return ask()
        except ServerError as refused:
            if _NO_SPACE not in refused.message:
                raise
            if full := full_disks(context):
                raise ServerError(full[0], target=context.request.target) from refused
            if time.monotonic() >= deadline:
                raise
            if not told:
                context.say("waiting for the server to see that there is room on its disk again")
                told = True
            time.sleep(_PAUSE)
