"""Which copies may go, and their going: snapshot, recovery point, and the data of nobody.

Deciding is apart from doing. The manifest goes first: a point without its copy would promise what
nobody can keep, a copy without its point is only found by the next run.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from recovery.capture.tie_copies import of_repository, repository_of, with_copy
from recovery.datastore.repository import parse_repository
from recovery.datastore.restic import open_restic
from recovery.datastore.snapshots import Snapshot, snapshots
from recovery.target import Target
from recovery.vault.manifest import Manifest
from recovery.vault.point_file import path_of
from recovery.vault.retention import Policy, choose, utc_now
from recovery.vault.shelf import LockedError
from recovery.vault.shelf_vault import ShelfVault

GRACE = timedelta(days=1)


@dataclass
class Forgotten:
    """``keep``: point → why; ``points`` and ``snapshots``: what goes; ``locked``: what couldn't."""

    keep: dict[str, list[str]] = field(default_factory=dict)
    points: list[str] = field(default_factory=list)
    snapshots: list[str] = field(default_factory=list)
    locked: list[str] = field(default_factory=list)


def plan_forget(
    points: Sequence[Manifest], found: Sequence[Snapshot], policy: Policy, now: datetime
) -> Forgotten:
    """What a run would remove. Pure. ``found``: the repository's copies of all deployments."""
    plan = Forgotten(keep=choose(points, policy.checked()))
    plan.points = [point.point for point in points if point.point not in plan.keep]
    stays = {
        point.datastore.snapshot for point in points if point.datastore and point.point in plan.keep
    }
    named = {point.datastore.snapshot for point in points if point.datastore}
    ours = {point.server.deployment for point in points}
    plan.snapshots = [
        one.ident
        for one in found
        if one.ident not in stays
        and one.deployment in ours
        and (one.ident in named or now - one.taken_at >= GRACE)
    ]
    return plan


def forget_copies(
    vault: ShelfVault, repository: str, target: Target, policy: Policy, *, dry_run: bool = False
) -> Forgotten:
    """Carries it out; what the vault's storage keeps (object lock) stays with its copy.

    While a manifest can't be read, nothing goes: it may name any of the copies. Points whose copy
    is in another repository neither count nor go.
    """
    points = with_copy(vault)
    unread = [entry.point for entry in vault.list_points() if entry.trouble]
    chosen = parse_repository(repository_of(points, repository))
    with open_restic(target, chosen) as restic:
        found = snapshots(restic)
        points = of_repository(points, found, chosen.uri)
        plan = plan_forget(points, found, policy, utc_now())
        if unread:
            plan.keep |= {name: ["it can't be read"] for name in unread}
            plan.points, plan.snapshots = [], []
        if dry_run or not (plan.points or plan.snapshots):
            return plan
        for name in list(plan.points):
            _remove_point(vault, name, plan, points)
        if plan.snapshots:
            restic.run(["forget", "--prune", *plan.snapshots])
    return plan


def _remove_point(
    vault: ShelfVault, name: str, plan: Forgotten, points: Sequence[Manifest]
) -> None:
    try:
        vault.shelf.remove(path_of(name))
    except LockedError:
        copy = next(point.datastore for point in points if point.point == name)
        plan.locked.append(name)
        plan.points.remove(name)
        if copy and copy.snapshot in plan.snapshots:
            plan.snapshots.remove(copy.snapshot)
        return
    if vault.seen:
        vault.seen.forget([name])
