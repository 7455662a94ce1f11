"""The strategies side by side: RPO, RTO, what is lost by name, storage, price; and the choice.

Nothing here asks anything: facts in, rows out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from recovery.choose.names import Names
from recovery.choose.prices import Prices, dollars
from recovery.choose.recovery_time import Drill, RecoveryTime, Waits, estimate
from recovery.choose.sizes import Sizes
from recovery.choose.wishes import BEYOND, Wishes
from recovery.vault.manifest import Part
from recovery.vault.retention import Policy
from recovery.velociraptor.inventory import ITEMS
from recovery.verify.expected import brought

_MINUTE, _HOUR, _MONTH = timedelta(minutes=1), timedelta(hours=1), timedelta(days=30)
RHYTHMS = (
    *(_MINUTE * minutes for minutes in (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30)),
    *(_HOUR * hours for hours in (1, 2, 3, 4, 6, 8, 12, 24)),
)
"""Those that `recovery schedule install --every` takes: they divide an hour or a day."""
_YEAR = 12
_NEW_FLOWS_A_SECOND = 100.0
"""Exports: 111 flows took 1.1 s (facts)."""
_READ_A_SECOND = 20e6


@dataclass(frozen=True)
class Strategy:
    """``floor``: the shortest time between two captures or syncs that makes sense."""

    name: str
    parts: tuple[Part, ...]
    floor: timedelta
    spare: bool = False

    def brings(self) -> frozenset[str]:
        """Items of an inventory; :data:`BEYOND` for whatever isn't counted in one."""
        if self.spare or "datastore" in self.parts:
            return frozenset(ITEMS) | {BEYOND}
        return brought(self.parts)


STRATEGIES: tuple[Strategy, ...] = (
    Strategy("redeploy", ("redeploy",), timedelta(0)),
    Strategy("backup", ("backup",), timedelta(minutes=5)),
    Strategy("state", ("state",), timedelta(minutes=5)),
    Strategy("state,collections", ("state", "collections"), timedelta(minutes=5)),
    Strategy("datastore", ("datastore",), timedelta(minutes=5)),
    Strategy("hot spare", ("datastore",), timedelta(seconds=30), spare=True),
)
"""From the least to keep and pay to the most: the first that is enough is recommended.

Backup with collections is none of them: state costs as little and brings back more.
"""


@dataclass(frozen=True)
class Asked:
    """What the operator wants."""

    rpo: timedelta
    rto: timedelta
    keep: Wishes
    policy: Policy = field(default_factory=Policy)


@dataclass(frozen=True)
class Bill:
    """Bytes, and dollars a month where the price is known. ``stored`` now, and in a year."""

    stored: int
    stored_in_a_year: int
    sent_a_month: int
    dollars: float | None
    dollars_in_a_year: float | None
    dollars_to_recover: float | None


@dataclass(frozen=True)
class Row:
    """One strategy as it would be. ``rpo`` None: no data comes back at all."""

    strategy: str
    every: timedelta | None
    rpo: timedelta | None
    time: RecoveryTime
    lost: Mapping[str, list[str]]
    """Item → names of what would not come back; an empty list: none is known by name."""
    unmet: tuple[str, ...]
    bill: Bill


@dataclass(frozen=True)
class Choice:
    """All rows, and the recommended one; ``enough``: it gives all that was asked."""

    rows: tuple[Row, ...]
    recommended: str
    enough: bool


def choose(
    asked: Asked,
    sizes: Sizes,
    names: Names,
    prices: Prices,
    waits: Waits,
    drills: Sequence[Drill] = (),
) -> Choice:
    """The table, and the first strategy in it that is enough; else the one that lacks least."""
    rows = tuple(
        _row(strategy, asked, sizes, names, prices, waits, drills) for strategy in STRATEGIES
    )
    best = min(rows, key=lambda row: (len(row.unmet), row.time.served if row.unmet else 0))
    return Choice(rows, best.strategy, not best.unmet)


def _row(
    strategy: Strategy,
    asked: Asked,
    sizes: Sizes,
    names: Names,
    prices: Prices,
    waits: Waits,
    drills: Sequence[Drill],
) -> Row:
    every = _every(strategy, asked.rpo, sizes)
    rpo = None if every is None else every + _takes(strategy, every, sizes)
    time = estimate(strategy.parts, strategy.spare, sizes, waits, drills)
    brings = strategy.brings()
    lost = {item: list(names.get(item, [])) for item in (*ITEMS, BEYOND) if item not in brings}
    return Row(
        strategy.name,
        every,
        rpo,
        time,
        lost,
        tuple(_unmet(asked, rpo, time, lost)),
        _bill(strategy, every, asked.policy, sizes, prices),
    )


def _unmet(
    asked: Asked, rpo: timedelta | None, time: RecoveryTime, lost: Mapping[str, list[str]]
) -> list[str]:
    """What was asked for and isn't given. Without data, an RPO is met by keeping nothing."""
    found = sorted(asked.keep.items & set(lost), key=(*ITEMS, BEYOND).index)
    if rpo is not None and rpo > asked.rpo:
        found.append(f"RPO of {int(asked.rpo.total_seconds())} s")
    if time.served > asked.rto.total_seconds():
        found.append(f"RTO of {int(asked.rto.total_seconds())} s")
    return found


def _every(strategy: Strategy, rpo: timedelta, sizes: Sizes) -> timedelta | None:
    """The longest rhythm that keeps the RPO, the capture's length counted in.

    Never under twice that length; a spare is synced as often as makes sense.
    """
    if strategy.parts == ("redeploy",):
        return None
    if strategy.spare:
        return max(strategy.floor, 2 * _takes(strategy, strategy.floor, sizes))
    takes = _takes(strategy, rpo, sizes)
    least = max(strategy.floor, 2 * takes)
    sensible = [one for one in RHYTHMS if one >= least] or [RHYTHMS[-1]]
    return max((one for one in sensible if one + takes <= rpo), default=sensible[0])


def _takes(strategy: Strategy, every: timedelta, sizes: Sizes) -> timedelta:
    """How long one capture or sync takes, with what changed since the last."""
    share = every / _MONTH
    parts = set(strategy.parts)
    seconds = 2.0
    if parts & {"state", "backup"}:
        seconds += sizes.state / _READ_A_SECOND
    if "collections" in parts:
        per_flow = sizes.flow_count / max(sizes.flows, 1) * sizes.flows_month * share
        seconds += per_flow / _NEW_FLOWS_A_SECOND + sizes.flows_month * share / _READ_A_SECOND
    if "datastore" in parts:
        seconds += sizes.files / 50_000 + sizes.changed_month * share / _READ_A_SECOND
    return timedelta(seconds=round(seconds))


def _bill(
    strategy: Strategy, every: timedelta | None, policy: Policy, sizes: Sizes, prices: Prices
) -> Bill:
    kept = policy.last + policy.daily + policy.weekly + policy.monthly
    captures = _MONTH / every if every else 1
    parts = set(strategy.parts)
    now = in_a_year = float(sizes.package)
    sent = 0.0
    if "state" in parts:
        now += sizes.state
        in_a_year += sizes.state * kept
        sent += sizes.state * captures
    if "backup" in parts:
        now += sizes.backup
        in_a_year += sizes.backup * kept
        sent += sizes.backup * captures
    if "collections" in parts:
        now += sizes.flows_kept
        in_a_year += sizes.flows_kept + sizes.flows_month * min(policy.monthly, _YEAR)
        sent += sizes.flows_month
    if "datastore" in parts:
        now += sizes.total
        in_a_year += sizes.total + sizes.changed_month * (0 if strategy.spare else _YEAR)
        sent += sizes.changed_month
    return Bill(
        int(now),
        int(in_a_year),
        int(sent),
        dollars(now, prices.stored),
        dollars(in_a_year, prices.stored),
        dollars(now, prices.out),
    )
