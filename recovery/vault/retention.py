"""Which recovery points stay, and which objects nothing refers to any more.

Deciding is apart from doing: :func:`choose` and :func:`plan` change nothing. The newest
point, the newest one without gaps, and any that can't be read (it is evidence) always stay.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from recovery.errors import BadInputError
from recovery.vault import partial
from recovery.vault.by_capture import order
from recovery.vault.manifest import Manifest
from recovery.vault.marker import no_point
from recovery.vault.objects import FOLDER as OBJECTS
from recovery.vault.point_file import path_of
from recovery.vault.shelf import LockedError, NotOnShelfError
from recovery.vault.shelf_vault import ShelfVault

MARKS = "unreferenced.json"
_PARTIAL_DAYS = 7
_PERIODS = (("daily", "%Y-%m-%d"), ("weekly", "%G-%V"), ("monthly", "%Y-%m"))


@dataclass(frozen=True)
class Policy:
    """How many points stay: the last ones, and the newest of so many days, weeks, months."""

    last: int = 3
    daily: int = 7
    weekly: int = 4
    monthly: int = 12

    def checked(self) -> "Policy":
        """Itself; :class:`BadInputError` for a negative number, or when nothing would stay."""
        numbers = (self.last, self.daily, self.weekly, self.monthly)
        if min(numbers) < 0 or not any(numbers):
            raise BadInputError(
                "this would keep nothing", target="retention", hint="keep at least one: --last 1"
            )
        return self


@dataclass
class Plan:
    """What a run would do. ``keep``: point → why; ``remove``: points; ``collect``: objects."""

    keep: dict[str, list[str]] = field(default_factory=dict)
    remove: list[str] = field(default_factory=list)
    collect: list[str] = field(default_factory=list)
    marked: dict[str, str] = field(default_factory=dict)
    """Unreferenced objects that wait: path → since when (ISO)."""
    bytes: int = 0
    locked: list[str] = field(default_factory=list)
    """What the storage refused to remove, after :func:`carry_out`."""


def choose(points: Sequence[Manifest], policy: Policy) -> dict[str, list[str]]:
    """Point → the reasons for which it stays. Points without a reason may go."""
    newest_first = sorted(points, key=order, reverse=True)
    reasons: dict[str, list[str]] = {}

    def keep(point: Manifest, why: str) -> None:
        reasons.setdefault(point.point, []).append(why)

    for point in newest_first[: max(policy.last, 1)]:
        keep(point, "last")
    good = next((point for point in newest_first if not point.gaps), None)
    if good:
        keep(good, "last without gaps")
    for period, form in _PERIODS:
        seen: set[str] = set()
        for point in newest_first:
            name = point.captured_at.strftime(form)
            if name not in seen and len(seen) < getattr(policy, period):
                seen.add(name)
                keep(point, period)
    return reasons


def plan(vault: ShelfVault, policy: Policy, grace: timedelta, now: datetime) -> Plan:
    """What a run would remove now. Objects go only ``grace`` after nothing refers to them.

    While a manifest can't be read, no object is collected: it may refer to any of them.
    Raises :class:`NoPointError` for a vault without any, which is mostly a mistyped one.
    """
    listed = vault.list_points()
    if not listed:
        raise no_point(vault.shelf)
    readable = [entry.file.manifest for entry in listed if entry.file]
    made = Plan(keep=choose(readable, policy.checked()))
    made.keep |= {entry.point: ["it can't be read"] for entry in listed if entry.trouble}
    made.remove = [entry.point for entry in listed if entry.point not in made.keep]
    if any(entry.trouble for entry in listed):
        return made
    stays = [point for point in readable if point.point in made.keep]
    referred = _referred(vault, stays)
    marks = _read_marks(vault)
    for entry in vault.shelf.entries(OBJECTS):
        if entry.name in referred:
            continue
        since = marks.get(entry.name, now)
        if now - since >= grace and now - entry.changed >= grace:
            made.collect.append(entry.name)
            made.bytes += entry.size
        else:
            made.marked[entry.name] = since.isoformat()
    return made


def carry_out(vault: ShelfVault, made: Plan, now: datetime) -> Plan:
    """Does what ``made`` says; what the storage keeps (object lock) is added to ``locked``."""
    for point in made.remove:
        _remove(vault, path_of(point), made)
    if vault.seen:
        gone = [point for point in made.remove if path_of(point) not in made.locked]
        vault.seen.forget(gone)
    if made.locked:
        # Its manifest stays, so do its objects: the next run looks again.
        made.collect, made.bytes = [], 0
    for path in made.collect:
        _remove(vault, path, made)
    for entry in list(vault.shelf.entries(partial.FOLDER)):
        if now - entry.changed > timedelta(days=_PARTIAL_DAYS):
            _remove(vault, entry.name, made)
    vault.shelf.write(MARKS, [json.dumps(made.marked).encode()])
    return made


def _referred(vault: ShelfVault, points: Sequence[Manifest]) -> set[str]:
    """The paths of all objects that a manifest or a capture under way refers to."""
    items = [item for point in points for item in point.objects()]
    items += [archive.file for archive in vault.remembered()]
    return {path for item in items for path in vault.object_names(item)}


def _read_marks(vault: ShelfVault) -> dict[str, datetime]:
    try:
        with vault.shelf.read(MARKS) as stream:
            values = json.loads(stream.read())
        marks = {path: datetime.fromisoformat(since) for path, since in values.items()}
        return {path: since for path, since in marks.items() if since.tzinfo}
    except (NotOnShelfError, ValueError, TypeError, AttributeError, RecursionError):
        return {}  # nothing is collected before its grace time has begun anew


def _remove(vault: ShelfVault, path: str, made: Plan) -> None:
    try:
        vault.shelf.remove(path)
    except LockedError:
        made.locked.append(path)


def utc_now() -> datetime:
    """Now, with its time zone."""
    return datetime.now(UTC)
