"""One sync of the spare: the client list from memory, then the files, then who may go on serving.

Everything that the server had acknowledged when the sync began is on the spare when it ends.
"""

import io
import tarfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field

from recovery.capture.memory_lists import disk_lists, memory_lists
from recovery.errors import BadInputError, RecoveryError, TargetError
from recovery.restore.install_package import fit_argv
from recovery.standby.fence import fence
from recovery.standby.heartbeat import heartbeat
from recovery.standby.pair import Machine, Pair, who_serves
from recovery.standby.pull import Pulled, failure, parse_pulled, pull_argv
from recovery.standby.status import last_sync
from recovery.target import Target, open_target
from recovery.vault.lease import Lease, is_finished
from recovery.vault.shelf_vault import ShelfVault
from recovery.velociraptor.api import open_api
from recovery.velociraptor.config import CONFIG_PATH, OWNER, PACKAGE, SERVICE, ServerConfig

Say = Callable[[str], None]
_HOURS = 86400.0
_MARKER = "config/install_time.json.db"
_FEW = 1000
_VERSION = "dpkg-query --show --showformat='${Version}' \"$1\" 2>/dev/null || :"


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
        _stand_down(vault, pair, lease, reader)
        config = check_source(source, pair)
        carry_config(source, reader, config, done)
        lists = memory_or_disk(source, config, vault, done)
        done.clients = count_clients(lists)
        facts = {"epoch": lease.epoch, "source": active.uri, "clients": done.clients}
        done.pulled = pull(
            reader,
            active,
            pair.datastore,
            lists,
            began,
            facts,
            say,
            allow_shrinking=allow_shrinking,
        )
        if done.pulled.torn:
            done.findings.append(
                f"{done.pulled.torn} records were half-written in each of three passes"
            )
        done.seconds = round(time.monotonic() - began, 3)
    return done


def pull(
    reader: Target,
    source: Machine,
    datastore: str,
    lists: dict[str, bytes],
    began: float,
    facts: dict[str, object],
    say: Say,
    *,
    allow_shrinking: bool = False,
) -> Pulled:
    """The files, and ``lists`` (path in the datastore → content) in place of the source's own."""
    before = last_sync(reader)
    known = int(before.files) if before else 0
    most = 1_000_000_000 if allow_shrinking or not known else known // 2 + _FEW
    bundle = io.BytesIO()
    with tarfile.open(fileobj=bundle, mode="w") as tar:
        for path, content in lists.items():
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(content), 0o600
            tar.addfile(entry, io.BytesIO(content))
    argv = pull_argv(
        source, datastore, elapsed=int(time.monotonic() - began) + 1, facts=facts, most=most
    )
    ended = reader.run(argv, stdin=bundle.getvalue(), timeout=_HOURS, check=False)
    if ended.returncode:
        raise failure(ended.returncode, ended.error_text, reader.uri)
    pulled = parse_pulled(ended.stdout)
    say(
        f"sync: {pulled.files} files, {pulled.bytes / 1e6:.0f} MB there · {pulled.sent} new or "
        f"changed, {pulled.deleted} deleted, {pulled.moved / 1e6:.1f} MB moved"
    )
    return pulled


def _stand_down(vault: ShelfVault, pair: Pair, lease: Lease, reader: Target) -> None:
    """Stops a server that runs without the lease: it was cut off when its spare was promoted.

    A promotion takes the lease before it starts anything, so whoever runs while the lease is
    still the other's has no right to.
    """
    if reader.run(["systemctl", "is-active", SERVICE], check=False).text != "active":
        return
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
    source: Target, config: ServerConfig, vault: ShelfVault, done: Synced
) -> dict[str, bytes]:
    """The client lists as they are in the server's memory; from its disk if it doesn't answer."""
    try:
        with open_api(source, config) as api:
            return memory_lists(source, api, config, vault, done.findings)
    except RecoveryError as silent:
        done.findings.append(
            f"the client list is the one on disk, up to {config.write_time:.0f} s old: "
            f"{silent.message}"
        )
        return disk_lists(source, config.datastore)


def count_clients(lists: dict[str, bytes]) -> int:
    """Clients in the lists; the server's own row in each is none."""
    files = [content for path, content in lists.items() if not path.endswith(".index")]
    rows = [line for content in files for line in content.splitlines()]
    return sum(not line.startswith(b'{"client_id":"server"') for line in rows)


def check_source(source: Target, pair: Pair) -> ServerConfig:
    """Its config, once it is the pair's deployment and its datastore is there.

    Raises :class:`BadInputError` or :class:`TargetError`; nothing was changed.
    """
    config = ServerConfig.parse(source.get(CONFIG_PATH), source=f"{CONFIG_PATH} of {source.uri}")
    if config.deployment != pair.deployment or config.datastore != pair.datastore:
        raise BadInputError(
            "it is not the server that this pair was made for",
            target=source.uri,
            hint="another CA or datastore: `recovery standby init` anew, if that is wanted",
        )
    marker = f"{config.datastore}/{_MARKER}"
    if source.run(["test", "-e", marker], check=False).returncode:
        raise TargetError(
            f"there is no datastore at {config.datastore} ({_MARKER} is missing)",
            step="sync the spare",
            target=source.uri,
            hint="is its disk mounted? The spare's copy was not touched",
        )
    return config


def carry_config(source: Target, reader: Target, config: ServerConfig, done: Synced) -> None:
    """The newest configuration to the spare, and a finding where the packages differ."""
    there = reader.run(["sha256sum", CONFIG_PATH], check=False).text.partition(" ")[0]
    if there != config.fingerprint:
        reader.put(config.raw, CONFIG_PATH, mode=0o640, owner=f"root:{OWNER}")
        reader.run(fit_argv())
    versions = [one.run(["sh", "-c", _VERSION, "v", PACKAGE]).text for one in (source, reader)]
    if versions[0] != versions[1]:
        done.findings.append(
            f"the spare has {PACKAGE} {versions[1] or 'not at all'}, the server {versions[0]}: "
            "install the same there"
        )


def opened(stack: ExitStack, machine: Machine) -> Target:
    """The machine's target, closed with ``stack``."""
    target = open_target(machine.uri)
    stack.callback(target.close)
    return target
