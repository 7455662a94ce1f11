"""How the pair is: who serves, how old the spare's copy is, whether that copy is usable.

Ages are told by the spare's own clock alone: a skewed clock elsewhere changes none of them.
"""

import json
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, Gauge, write_to_textfile

from recovery.errors import RecoveryError
from recovery.standby.pair import Machine, Pair, name_of, who_serves
from recovery.standby.places import CHECKED, LAST_SYNC, ROLE
from recovery.standby.reach import opened
from recovery.target import Target
from recovery.vault.lease import is_finished
from recovery.vault.shelf_vault import ShelfVault
from recovery.velociraptor.config import SERVICE

_SKEW = 5.0
_FREE = 100_000_000
"""Bytes; a server does not start below 50 MB (facts: Server and clients)."""
_READ = r"""
printf 'now %s\n' "$(date +%s.%N)"
printf 'service %s\n' "$(systemctl is-active "$1" 2>/dev/null)"
printf 'role %s\n' "$(cat "$2" 2>/dev/null)"
printf 'free %s\n' "$(df --output=avail -B1 "$5" 2>/dev/null | tail -n 1)"
[ ! -s "$3" ] || printf 'last %s\n' "$(cat "$3")"
[ ! -s "$4" ] || printf 'checked %s\n' "$(cat "$4")"
"""


@dataclass(frozen=True)
class LastSync:
    """The last complete sync, in seconds of the spare's own clock; ``age`` since it began."""

    began: float
    ended: float
    age: float
    files: int
    clients: int = 0
    epoch: int = 0
    source: str = ""
    asked: int = 0
    """When the source was first asked, in nanoseconds since 1970 on the source's own clock; its
    client lists are of a later moment."""


@dataclass(frozen=True)
class Side:
    """One machine as it was found; ``trouble`` when it could not be looked at."""

    uri: str
    reached: bool
    service: str = ""
    role: str = ""
    skew: float = 0.0
    """Its clock minus this machine's, in seconds."""
    free: int | None = None
    """Bytes where its datastore is, or is to be; None: not known."""
    trouble: str = ""
    last: LastSync | None = None
    checked: dict[str, Any] = field(default_factory=dict)
    """The last trial of its copy: ``at`` (seconds, its clock), ``usable``, ``says``, ``age``."""

    @property
    def name(self) -> str:
        """As a person reads it."""
        return name_of(self.uri)


@dataclass
class Status:
    """``lag``: seconds since the copy was current, the RPO of a loss right now; None: no copy."""

    epoch: int
    since: datetime
    serves: Side
    spare: Side
    lag: float | None = None
    findings: list[str] = field(default_factory=list)


def look(vault: ShelfVault, pair: Pair, *, rpo: float = 60.0) -> Status:
    """Looks at both machines and says what falls short; changes nothing.

    ``rpo``: seconds that the copy may be old. Raises only when the vault can't be read.
    """
    lease, active = who_serves(vault, pair)
    with ExitStack() as stack:
        sides = [_side(stack, machine, pair) for machine in (active, pair.other(active))]
    status = Status(lease.epoch, lease.taken_at, sides[0], sides[1])
    status.lag = status.spare.last.age if status.spare.last else None
    status.findings = list(shortfalls(status, rpo))
    if not is_finished(vault, lease):
        status.findings.insert(
            0, f"the promotion of {lease.holder} was cut off: `recovery standby promote` goes on"
        )
    return status


def shortfalls(status: Status, rpo: float) -> list[str]:
    """What the operator has to know, worst first. Pure."""
    serves, spare = status.serves, status.spare
    found = [
        f"{side.name} can't be reached: {side.trouble}"
        for side in (serves, spare)
        if not side.reached
    ]
    if serves.reached and spare.reached and serves.service == spare.service == "active":
        found.insert(
            0,
            "BOTH machines serve: stop the one that doesn't hold the lease, "
            f"{spare.name} (`recovery standby sync` does)",
        )
    if serves.reached and serves.service != "active":
        found.append(
            f"{serves.name} holds the lease and does not serve ({serves.service}): `recovery "
            f"standby promote` has the spare take over, with --to '{serves.uri}' this one starts "
            "again"
        )
    if spare.reached and status.lag is None:
        found.append("the spare has no copy yet: `recovery standby sync`")
    if spare.free is not None and spare.free < _FREE:
        found.append(f"the spare's disk is full: {spare.free / 1e6:.0f} MB are free")
    if status.lag is not None and status.lag > rpo:
        found.append(f"the copy is {status.lag:.0f} s old; wanted are at most {rpo:.0f} s")
    if spare.checked and not spare.checked.get("usable"):
        found.append(f"THE COPY IS NOT USABLE: {spare.checked.get('says', '')}")
    if spare.reached and spare.last and not spare.checked:
        found.append("the copy was never tried: `recovery standby check`")
    found += [
        f"the clock of {side.name} is {side.skew:+.0f} s off this machine's"
        for side in (serves, spare)
        if side.reached and abs(side.skew) > _SKEW
    ]
    return found


def last_sync(target: Target) -> LastSync | None:
    """The last complete sync of a spare; None before the first."""
    return _facts(target, "/").last


def _side(stack: ExitStack, machine: Machine, pair: Pair) -> Side:
    target = opened(stack, machine)
    try:
        return replace(_facts(target, pair.datastore), uri=machine.uri)
    except RecoveryError as refused:
        return Side(machine.uri, reached=False, trouble=refused.message)


def _facts(target: Target, datastore: str) -> Side:
    before = time.time()
    argv = ["sh", "-c", _READ, "look", SERVICE, ROLE, LAST_SYNC, CHECKED, datastore]
    told = dict(line.split(" ", 1) for line in target.run(argv).text.splitlines() if " " in line)
    now = float(told["now"])
    checked = json.loads(told["checked"]) if "checked" in told else {}
    if checked:
        checked["age"] = round(now - float(checked["at"]), 1)
    return Side(
        uri=target.uri,
        reached=True,
        service=told.get("service", ""),
        role=told.get("role", ""),
        skew=round(now - (before + time.time()) / 2, 1),
        free=int(told["free"]) if told.get("free", "").strip() else None,
        last=parse_last(json.loads(told["last"]), now) if "last" in told else None,
        checked=checked,
    )


def parse_last(raw: dict[str, Any], now: float) -> LastSync:
    """From the spare's record; ``now`` is its own clock."""
    facts = raw.get("facts") or {}
    return LastSync(
        began=float(raw["began"]),
        ended=float(raw["ended"]),
        age=max(0.0, round(now - float(raw["began"]), 1)),
        files=int(raw.get("files", 0)),
        clients=int(facts.get("clients", 0)),
        epoch=int(facts.get("epoch", 0)),
        source=str(facts.get("source", "")),
        asked=int(facts.get("asked", float(raw["began"]) * 1e9)),
    )


def as_json(status: Status) -> dict[str, Any]:
    """For ``--json``: everything, times as ISO 8601."""
    return {**asdict(status), "since": status.since.astimezone(UTC).isoformat()}


def write_prometheus(status: Status, path: Path) -> None:
    """A text file for the node exporter, replaced as a whole."""
    registry = CollectorRegistry()

    def gauge(name: str, words: str, value: float | None) -> None:
        if value is not None:
            Gauge(f"velociraptor_standby_{name}", words, registry=registry).set(value)

    last, checked = status.spare.last, status.spare.checked
    gauge("lag_seconds", "age of the spare's copy: the RPO of a loss now", status.lag)
    gauge("sync_seconds", "how long the last sync took", last.ended - last.began if last else None)
    gauge("copy_files", "files in the spare's copy", last.files if last else None)
    gauge("copy_clients", "clients in its client list", last.clients if last else None)
    gauge(
        "copy_usable",
        "1 when a trial start of the copy worked",
        float(checked["usable"]) if checked else None,
    )
    gauge("copy_checked_seconds", "age of that trial", checked.get("age") if checked else None)
    gauge("spare_free_bytes", "free space under the spare's datastore", status.spare.free)
    gauge("spare_reached", "1 when the spare answers", float(status.spare.reached))
    gauge("serving", "1 when the lease's holder serves", float(status.serves.service == "active"))
    gauge("epoch", "number of the lease in force", status.epoch)
    gauge("findings", "what falls short, in number", len(status.findings))
    gauge("looked_at", "time of this look", time.time())
    write_to_textfile(str(path), registry)
