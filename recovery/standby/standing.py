"""What a machine has that is asked to take over: decided from its role, copy and terms. Pure.

A machine that served once and was replaced still says of itself that it serves, and holds a
datastore that ends where its term ended. To start it as if it were a spare would lose what the
other one did since then, without a word.
"""

from dataclasses import dataclass
from datetime import datetime

from recovery.standby.pull import ACTIVE
from recovery.standby.status import LastSync
from recovery.vault.lease import Lease


@dataclass(frozen=True)
class Standing:
    """``serves``: its promotion was begun before, and is gone on with; ``current``: it has a copy
    of what the other one did in its present term; ``ended``: when its own last term ended, where
    its datastore is no older than that. ``why``: what is wrong where neither holds.
    """

    serves: bool = False
    current: bool = False
    ended: datetime | None = None
    why: str = ""


def standing(uri: str, role: str, last: LastSync | None, terms: list[Lease]) -> Standing:
    """Of the machine ``uri``; ``terms`` as they were before this promotion took its lease.

    A newest lease that is its own is an unfinished promotion's (or it serves already).
    """
    resumed = bool(terms) and terms[-1].holder == uri
    if role == ACTIVE and resumed:
        return Standing(serves=True)
    earlier = terms[:-1] if resumed else terms
    own = [place for place, term in enumerate(earlier) if term.holder == uri]
    newest = earlier[own[-1]].epoch if own else 0
    if role != ACTIVE and last is not None and last.epoch > newest:
        return Standing(current=True)
    if own:
        following = earlier[own[-1] + 1 :] or terms[-1:]
        return Standing(
            ended=following[0].taken_at,
            why="it served before, and was not made a spare since then",
        )
    return Standing(why="it never had a whole sync")


def advice(found: Standing, old: str, new: str) -> str:
    """What the operator does where ``new`` may not simply take over from ``old``."""
    if found.ended is None:
        return "`recovery restore` rebuilds a server from the vault; nothing was changed"
    return (
        "`recovery standby failback` brings it up to date, then promotes it. Only if "
        f"{old} is gone for good: add --to '{new}' --old-server-is-dead, and lose what it did "
        f"since {since(found.ended)}. Nothing was changed"
    )


def since(moment: datetime | None) -> str:
    """A moment as the operator reads it."""
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else "an unknown time"
