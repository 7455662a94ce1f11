"""One sync of the spare: the client list from memory, then the files, then who may go on serving.

Everything that the server had acknowledged when the sync began is on the spare when it ends.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

from recovery.capture.memory_lists import disk_lists, memory_lists
from recovery.counts import things
from recovery.errors import RecoveryError, TargetError
from recovery.standby.compare_sides import carry_config, look_at_server, look_at_spare
from recovery.standby.fence import fence
from recovery.standby.heartbeat import heartbeat
from recovery.standby.pair import Machine, Pair, who_serves
from recovery.standby.pull import Pulled, bundle, failure, parse_pulled, pull_argv
from recovery.standby.reach import opened
from recovery.standby.status import LastSync
from recovery.target import Target
from recovery.target.beside import Beside
from recovery.vault.lease import Lease, is_finished
from recovery.vault.shelf_vault import ShelfVault
from recovery.velociraptor.api import open_api
from recovery.velociraptor.config import ServerConfig

Say = Callable[[str], None]
_HOURS = 86400.0
_FEW = 1000


@dataclass
class Synced:
    """What a sync did. ``seconds`` from its beginning; ``findings``: what falls short."""

    source: str
    spare: str
    seconds: float = 0.0
    pulled: Pulled = field(default_factory=Pulled)
    clients: int = 0
    findings: list[str] = field(default_factory=list)


def sync(vault: ShelfVault, pair: Pair, say: Say, *, allow_shrinking: bool = False) -> Synced:
    """Brings the machine that doesn't serve up to the one that does.

    Raises :class:`RecoveryError`; the copy is then as old as :func:`status` says.
    """
    lease, active = who_serves(vault, pair)
    if not is_finished(vault, lease):
        raise RecoveryError(
            f"the promotion of {lease.holder} (epoch {lease.epoch}) is under way, or was cut off",
            step="sync the spare",
            hint="`recovery standby promote` goes on with it; nothing is copied before it is done",
        )
    spare = pair.other(active)
    with ExitStack() as stack:
        stack.enter_context(heartbeat(vault, pair, lease))
        source, reader = (opened(stack, machine) for machine in (active, spare))
        done = Synced(active.uri, spare.uri)
        began = time.monotonic()
        with ThreadPoolExecutor(1) as beside:
            asked = beside.submit(look_at_server, source, pair)
            spare_side = look_at_spare(reader)
            if spare_side.serves:
                _stand_down(vault, pair, lease, reader)
            server = asked.result()
        done.findings += carry_config(server, spare_side, source, reader)
        done.pulled = pull(
            reader,
            active,
            pair.datastore,
            lambda: memory_or_disk(source, server.config, vault, done, spare_side.last),
            began,
            lease.epoch,
            say,
            asked=server.asked,
            known=0 if allow_shrinking or not spare_side.last else spare_side.last.files,
        )
        done.clients = done.pulled.clients
        if done.pulled.torn:
            done.findings.append(
                f"{things(done.pulled.torn, 'record')} half-written in each of three passes"
            )
        done.seconds = round(time.monotonic() - began, 3)
    return done


def pull(
    reader: Target,
    source: Machine,
    datastore: str,
    lists: Callable[[], dict[str, bytes]],
    began: float,
    epoch: int,
    say: Say,
    *,
    asked: int,
    known: int = 0,
) -> Pulled:
    """The files, and ``lists`` (path in the datastore → content) in place of the source's own.

    ``lists`` is called while the files are copied; ``epoch``: of the term that is copied;
    ``asked``: what the source's clock said before (:class:`LastSync`);
    ``known``: files of the copy before, of which most must still be there; 0: however few.
    """
    most = known // 2 + _FEW if known else 1_000_000_000
    clients = 0

    def made() -> bytes:
        nonlocal clients
        found = lists()
        clients = count_clients(found)
        facts = {"epoch": epoch, "source": source.uri, "clients": clients, "asked": asked}
        return bundle(found, facts)

    argv = pull_argv(source, datastore, elapsed=int(time.monotonic() - began) + 1, most=most)
    with Beside(made) as beside:
        ended = reader.run(argv, stdin=beside.stream, timeout=_HOURS, check=False)
    if beside.failed:
        raise beside.failed
    if ended.returncode:
        raise failure(ended.returncode, ended.error_text, reader.uri)
    pulled = replace(parse_pulled(ended.stdout), clients=clients)
    say(
        f"sync: {things(pulled.files, 'file')}, {pulled.bytes / 1e6:.0f} MB there · "
        f"{pulled.sent} new or "
        f"changed, {pulled.deleted} deleted, {pulled.moved / 1e6:.1f} MB moved"
    )
    return pulled


def _stand_down(vault: ShelfVault, pair: Pair, lease: Lease, reader: Target) -> None:
    """Stops a server that runs without the lease: it was cut off when its spare was promoted.

    A promotion takes the lease before it starts anything, so whoever runs while the lease is
    still the other's has no right to.
    """
    if who_serves(vault, pair)[0] != lease:
        raise RecoveryError(
            "it was promoted just now",
            step="sync the spare",
            target=reader.uri,
            hint="`recovery standby status` tells who serves",
        )
    fence(reader)
    raise TargetError(
        "it served without the lease; it is stopped and held now",
        step="sync the spare",
        target=reader.uri,
        hint="it may hold work that the other one lacks, so nothing is copied over it by itself: "
        "`recovery standby failback --only-follow` makes it a spare again",
    )


def memory_or_disk(
    source: Target,
    config: ServerConfig,
    vault: ShelfVault,
    done: Synced,
    last: LastSync | None,
) -> dict[str, bytes]:
    """The client lists as they are in the server's memory.

    Those that it doesn't give come from its disk, where that is newer than the spare's.
    """
    found: dict[str, bytes] = {}
    gaps: list[str] = []
    try:
        with open_api(source, config) as api:
            found = memory_lists(source, api, config, vault, gaps)
    except RecoveryError as silent:
        gaps.append(silent.message)
    if not gaps:
        return found
    done.findings += gaps
    done.findings.append(
        f"the client list is the one on disk, up to {config.write_time:.0f} s old, or the one "
        "of the last sync, whichever is newer"
    )
    return disk_lists(source, config.datastore, last.asked if last else 0) | found


def count_clients(lists: dict[str, bytes]) -> int:
    """Clients in the lists; the server's own row in each is none."""
    files = [content for path, content in lists.items() if not path.endswith(".index")]
    rows = [line for content in files for line in content.splitlines()]
    return sum(not line.startswith(b'{"client_id":"server"') for line in rows)
