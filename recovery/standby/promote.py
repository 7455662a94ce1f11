"""The spare takes over: fence, last sync, start, check, switch, clients back.

Each step finds out for itself what is done already: after a kill at any point the same command
goes on. The lease is taken before anything is stopped or started, so that of two promotions one
ends there; the machine's own role is changed under the lock of its syncs.
"""

from contextlib import ExitStack

from recovery.standby.pair import Pair, who_serves
from recovery.standby.promotion import Promotion
from recovery.standby.promotion_steps import Say, Steps
from recovery.standby.reach import machine_named, opened
from recovery.switch.protocol import Switch
from recovery.vault.lease import finish, is_finished, take, terms
from recovery.vault.shelf_vault import ShelfVault


def promote(
    vault: ShelfVault,
    pair: Pair,
    switch: Switch | None,
    say: Say,
    *,
    old_is_dead: bool = False,
    to: str = "",
    why: str = "promote",
    client_wait: float | None = None,
) -> Promotion:
    """Makes the machine that is the spare (or ``to``) the one that serves.

    ``old_is_dead``: the operator's word where the old server can't be reached; with a guard it
    is waited for besides. ``switch`` None: clients are sent there by other means, and not waited
    for. Raises :class:`RecoveryError` with what to do next; run again, it goes on.
    """
    lease, holder = who_serves(vault, pair)
    # A term that never came to serve: its promotion was cut off, and is gone on with.
    unfinished = not is_finished(vault, lease)
    new = machine_named(pair, to) if to else holder if unfinished else pair.other(holder)
    old = pair.other(new)
    with ExitStack() as stack:
        targets = opened(stack, old), opened(stack, new)
        run = Steps(vault, pair, (old, new), targets, Promotion(old.uri, new.uri, lease.epoch), say)
        served = terms(vault, pair.deployment)
        # Back to the one that served, by its name: where that is all there is.
        back = bool(to) and (unfinished or old_is_dead)
        run.step("look at both", lambda: run.look(old_is_dead, switch, served, back=back))
        if holder != new:
            lease = take(vault, lease, pair.deployment, new.uri, why)
            run.done.epoch = lease.epoch
        run.step("fence the old server", lambda: run.fence(old_is_dead))
        run.step("last sync", run.last_sync)
        run.step("start the new server", run.start)
        run.step("check it", run.check)
        if switch is not None:
            run.step("switch", lambda: run.switch(switch))
            run.step("clients back", lambda: run.clients_back(client_wait, switch))
        finish(vault, lease)
        run.done.findings += [f for one in run.done.outcomes for f in one.findings]
        return run.done
