"""What restic says of its snapshots, and the tags that tie each to a recovery point."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from recovery.datastore.restic import Restic

TAG = "velociraptor-recovery"
_POINT = "point="
_DEPLOYMENT = "deployment="


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
