"""Back to the machine that served before: it follows the new one first, then takes over again.

The same means as a promotion, in the other direction: nothing is lost, since the machine that
serves is stopped cleanly before the last sync.
"""

import time
from collections.abc import Callable
from contextlib import ExitStack

from recovery.errors import TargetError
from recovery.standby.fence import fence, reaches
from recovery.standby.link import lay_link, try_link
from recovery.standby.pair import Pair, who_serves
from recovery.standby.promote import promote
from recovery.standby.promotion import Promotion
from recovery.standby.pull import SPARE
from recovery.standby.reach import opened
from recovery.standby.role import take_role_argv
from recovery.standby.sync import sync
from recovery.switch.protocol import Switch
from recovery.vault.lease import is_finished
from recovery.vault.shelf_vault import ShelfVault

Say = Callable[[str], None]


def failback(
    vault: ShelfVault,
    pair: Pair,
    switch: Switch | None,
    say: Say,
    *,
    client_wait: float | None = None,
) -> Promotion:
    """Hands service back to the other machine.

    Its old datastore becomes a copy of the new one's: what it wrote while it was cut off is
    kept aside by nobody (``recovery datastore backup --from`` it beforehand, if that matters).
    Raises :class:`TargetError` when it can't be reached or linked; the server goes on serving.
    """
    lease, _ = who_serves(vault, pair)
    if is_finished(vault, lease):
        follow(vault, pair, say)
    else:
        say(f"going on with the promotion of {lease.holder} (epoch {lease.epoch})")
    return promote(vault, pair, switch, say, why="failback", client_wait=client_wait)


def follow(vault: ShelfVault, pair: Pair, say: Say) -> None:
    """Makes the machine that doesn't hold the lease a spare again, and brings it up to date."""
    _, active = who_serves(vault, pair)
    spare = pair.other(active)
    with ExitStack() as stack:
        source, reader = opened(stack, active), opened(stack, spare)
        if trouble := reaches(reader):
            raise TargetError(
                f"it can't be reached: {trouble}",
                step="make it a spare again",
                target=spare.uri,
                hint="switch it on, or make a new one: `recovery standby init`",
            )
        fence(reader)
        reader.run(take_role_argv(SPARE, pair.datastore), timeout=60)
        lay_link(reader, source, active, pair.datastore)
        try_link(reader, active)
    say(f"{spare.name} follows {active.name} now")
    began = time.monotonic()
    sync(vault, pair, say, allow_shrinking=True)
    say(f"up to date after {time.monotonic() - began:.1f} s")
