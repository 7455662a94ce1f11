"""Which copy belongs to which recovery point, and whether all of them are there and whole."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from recovery.counts import things
from recovery.datastore.repository import parse_repository
from recovery.datastore.restic import open_restic
from recovery.datastore.snapshots import Snapshot, snapshots
from recovery.errors import BadInputError, CommandError, VaultError
from recovery.target import Target
from recovery.vault.manifest import Manifest
from recovery.vault.shelf_vault import ShelfVault

State = Literal["", "missing", "in another repository", "no recovery point"]

_ELSEWHERE: State = "in another repository"


@dataclass(frozen=True)
class Tie:
    """A copy and its recovery point. ``missing``: the point names it, the repository lacks it.

    ``repository``: where the point says that its copy is.
    """

    snapshot: str
    point: str
    taken_at: datetime | None
    files: int = 0
    bytes: int = 0
    state: State = ""
    repository: str = ""


@dataclass
class CheckedCopies:
    """``damaged`` names what is; ``read`` is the share of the data that was read."""

    copies: int = 0
    read: str = ""
    damaged: list[str] = field(default_factory=list)


def with_copy(vault: ShelfVault) -> list[Manifest]:
    """The recovery points that have a complete copy, the oldest first."""
    points = [point for point in vault.points() if point.datastore]
    return sorted(points, key=lambda point: point.captured_at)


def newest_copy(vault: ShelfVault) -> str:
    """The id of the newest recovery point with a copy; :class:`VaultError` when none has one."""
    points = with_copy(vault)
    if not points:
        raise VaultError(
            "no recovery point has a complete copy",
            step="choose the recovery point",
            target=vault.uri,
            hint="`recovery datastore backup` makes one; `recovery restore` takes the other points",
        )
    return points[-1].point


def repository_of(points: list[Manifest], given: str) -> str:
    """The one given, else the newest point's."""
    copies = [point.datastore for point in points if point.datastore]
    if not given and not copies:
        raise BadInputError(
            "no repository was named, and no recovery point names one",
            target="--repository",
            hint="give --repository (or RECOVERY_REPOSITORY); `recovery datastore backup` makes "
            "the first copy, and its point names the place from then on",
        )
    return given or copies[-1].repository


def tie(vault: ShelfVault, repository: str, target: Target) -> list[Tie]:
    """Every copy, in the repository or named by a point, the oldest first."""
    points = with_copy(vault)
    chosen = parse_repository(repository_of(points, repository))
    with open_restic(target, chosen) as restic:
        return ties(points, snapshots(restic), chosen.uri)


def of_repository(
    points: Sequence[Manifest], found: Sequence[Snapshot], repository: str
) -> list[Manifest]:
    """The points whose copy is in the repository, or should be. Pure.

    ``found``: the copies in it; ``repository``: its address. One that moved is known by what is
    in it, whatever address the points name.
    """
    held = {one.ident for one in found}
    return [
        point
        for point in points
        if (copy := point.datastore) and (copy.snapshot in held or copy.repository == repository)
    ]


def ties(points: Sequence[Manifest], found: Sequence[Snapshot], repository: str) -> list[Tie]:
    """Joins the two lists. Pure."""
    here = {point.point for point in of_repository(points, found, repository)}
    held = {one.ident: one for one in found}
    joined = []
    named = set()
    for point in points:
        if copy := point.datastore:
            named.add(copy.snapshot)
            there = held.get(copy.snapshot)
            taken = there.taken_at if there else point.captured_at
            lacks: State = "missing" if point.point in here else _ELSEWHERE
            facts = (copy.files, copy.bytes, "" if there else lacks, copy.repository)
            joined.append(Tie(copy.snapshot, point.point, taken, *facts))
    joined += [
        Tie(one.ident, one.point, one.taken_at, state="no recovery point")
        for one in found
        if one.ident not in named
    ]
    return sorted(joined, key=lambda one: str(one.taken_at))


def verify_copies(
    vault: ShelfVault,
    repository: str,
    target: Target,
    read: str,
    say: Callable[[str], None],
    *,
    unlock: bool = False,
) -> CheckedCopies:
    """Restic's own check, a share of the data read, and every point's copy looked for.

    ``read``: a percentage, or ``none``. Raises :class:`BadInputError` for anything else.
    """
    share = re.fullmatch(r"(\d{1,3}(?:\.\d+)?)%", read)
    if read != "none" and not (share and 0 < float(share[1]) <= 100):  # noqa: PLR2004
        raise BadInputError(f"not a share: {read!r}", target="--read", hint="5%, 100%, or none")
    points = with_copy(vault)
    checked = CheckedCopies(read=read)
    chosen = parse_repository(repository_of(points, repository))
    with open_restic(target, chosen) as restic:
        if unlock:
            restic.run(["unlock"])
        found = ties(points, snapshots(restic), chosen.uri)
        checked.copies = sum(one.state in ("", "no recovery point") for one in found)
        for other in sorted({one.repository for one in found if one.state == _ELSEWHERE}):
            say(f"not looked at: copies in {other}")
        say(f"{things(checked.copies, 'copy', 'copies')}; reading {read} of the data …")
        words = ["check", *([] if read == "none" else [f"--read-data-subset={read}"])]
        try:
            restic.run(words)
        except CommandError as damaged:
            if "locked" in damaged.message or "password" in damaged.message:
                raise
            checked.damaged.append(damaged.message)
    checked.damaged += [
        f"{one.point}: its copy {one.snapshot[:8]} is not in the repository"
        for one in found
        if one.state == "missing"
    ]
    return checked
