"""What restic says of its snapshots, and the tags that tie each to a recovery point."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from recovery.datastore.restic import Restic

TAG = "velociraptor-recovery"
_POINT = "point="
_DEPLOYMENT = "deployment="
_IDENT = 64


@dataclass(frozen=True)
class Snapshot:
    """One copy in the repository. ``point``: the recovery point that it belongs to."""

    ident: str
    taken_at: datetime
    deployment: str
    point: str
    folder: str


def host_of(deployment: str) -> str:
    """The name under which a deployment's copies follow each other, whatever machine it is on."""
    return f"velociraptor-{deployment[:16]}"


def tags_of(deployment: str, point: str) -> list[str]:
    """The tags of a copy."""
    return [TAG, f"{_DEPLOYMENT}{deployment}", f"{_POINT}{point}"]


def snapshots(restic: Restic, deployment: str = "") -> list[Snapshot]:
    """The toolkit's copies, the oldest first; of one deployment, or of all."""
    found = parse(next(restic.lines(["snapshots", "--tag", TAG]), []))
    chosen = [one for one in found if not deployment or one.deployment == deployment]
    return sorted(chosen, key=lambda one: one.taken_at)


def whole_ident(restic: Restic, ident: str) -> str:
    """The full id of a snapshot that was made just now; empty when the repository lacks it.

    Restic before 0.17 tells the first digits only. To ask it again costs the half second that it
    takes to derive its key; in a folder, a snapshot's file has its id as its name.
    """
    if len(ident) == _IDENT:
        return ident
    if restic.repository.is_folder:
        folder = f"{restic.repository.name}/snapshots"
        names = restic.target.run(["ls", "-1", "--", folder], check=False).text.splitlines()
    else:
        names = [one.ident for one in snapshots(restic)]
    found = [name for name in names if name.startswith(ident)]
    return found[0] if len(found) == 1 else ""


def parse(rows: Iterable[dict[str, Any]]) -> list[Snapshot]:
    """From ``restic snapshots --json``."""
    return [
        Snapshot(
            ident=str(row["id"]),
            taken_at=_time(str(row["time"])),
            deployment=_tagged(row, _DEPLOYMENT),
            point=_tagged(row, _POINT),
            folder=str((row.get("paths") or [""])[0]),
        )
        for row in rows
    ]


def _tagged(row: dict[str, Any], beginning: str) -> str:
    tags = [str(tag) for tag in row.get("tags") or []]
    return next((tag[len(beginning) :] for tag in tags if tag.startswith(beginning)), "")


def _time(text: str) -> datetime:
    """Restic writes nanoseconds, which Python doesn't read."""
    whole, _, rest = text.partition(".")
    zone = rest.lstrip("0123456789") if rest else ""
    return datetime.fromisoformat(whole + zone).astimezone(UTC)
