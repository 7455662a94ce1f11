"""Are the objects of a recovery point still what they were? All of them, or a sample.

What could not be opened is never counted as verified.
"""

import json
import random
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from recovery.errors import BadInputError, VaultError
from recovery.state_folder import state_folder
from recovery.vault.manifest import Manifest, StoredObject
from recovery.vault.seen import Seen
from recovery.vault.shelf_vault import ShelfVault

Say = Callable[[str], None]
_PERCENT = 100.0
_EVERY = 50


@dataclass
class Verification:
    """What was found. ``opened``: objects whose content was hashed; ``present``: only sized."""

    points: int = 0
    present: int = 0
    opened: int = 0
    bytes: int = 0
    damaged: list[str] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Nothing is damaged, and something was really opened."""
        return not self.damaged and self.opened > 0


def parse_sample(text: str) -> float:
    """``"5%"`` as 0.05; :class:`BadInputError` for anything else."""
    try:
        share = float(text.removesuffix("%")) / _PERCENT
    except ValueError:
        share = -1.0
    if not text.endswith("%") or not 0 < share <= 1:
        raise BadInputError(f"not a share: {text!r}", target="--sample", hint="5%, up to 100%")
    return share


def verify_points(
    vault: ShelfVault, names: Sequence[str], share: float, say: Say, *, seed: int | None = None
) -> Verification:
    """Every object's presence and size, and the content of ``share`` (0 to 1) of them.

    Package, config, state and backups are always opened. ``names`` empty: every point.
    Raises :class:`NoPointError` for a vault without any, which is mostly a mistyped one.
    """
    found = Verification()
    manifests = _manifests(vault, names, found)
    chosen: dict[str, StoredObject] = {}
    rest: dict[str, StoredObject] = {}
    for manifest in manifests:
        found.points += 1
        vital = {item.sha256: item for item in vital_objects(manifest)}
        chosen |= vital
        rest |= {item.sha256: item for item in manifest.objects() if item.sha256 not in vital}
    rest = {sha: item for sha, item in rest.items() if sha not in chosen}
    for item in [*chosen.values(), *rest.values()]:
        if vault.holds(item):
            found.present += 1
        else:
            found.damaged.append(f"{item.name}: missing, or not of its size")
    number = min(len(rest), max(1, round(len(rest) * share))) if rest else 0
    sample = random.Random(seed).sample(sorted(rest), number)  # noqa: S311 - a sample, no secret
    _open(vault, [*chosen.values(), *(rest[sha] for sha in sample)], found, say)
    note_verified(vault.uri, found)
    return found


def vital_objects(manifest: Manifest) -> list[StoredObject]:
    """What a recovery can't do without."""
    archives = {archive.file.sha256 for archive in manifest.archives}
    return [item for item in manifest.objects() if item.sha256 not in archives]


def _manifests(vault: ShelfVault, names: Sequence[str], found: Verification) -> list[Manifest]:
    manifests = []
    listed = vault.list_points()
    if not listed:
        vault.point()  # says that there is none, and what to look at
    for entry in listed:
        if names and entry.point not in names:
            continue
        if entry.file:
            manifests.append(entry.file.manifest)
        elif entry.trouble:
            found.damaged.append(entry.trouble.message)
    if unknown := set(names) - {entry.point for entry in listed}:
        raise BadInputError(
            f"no recovery point {', '.join(sorted(unknown))}",
            target=vault.uri,
            hint="`recovery points list` shows them",
        )
    return manifests


def _open(vault: ShelfVault, items: Sequence[StoredObject], found: Verification, say: Say) -> None:
    with tempfile.TemporaryDirectory(prefix="recovery-verify-") as folder:
        into = Path(folder) / "object"
        for place, item in enumerate(items, 1):
            try:
                vault.fetch(item, into)
                found.opened += 1
                found.bytes += item.size
            except VaultError as refused:
                found.damaged.append(refused.message)
            into.unlink(missing_ok=True)
            if place % _EVERY == 0 or place == len(items):
                say(f"verify {place}/{len(items)} objects · {found.bytes / 1e6:.1f} MB")


def note_verified(uri: str, found: Verification) -> None:
    """Remembers, on this machine, when a vault was verified last, for ``recovery status``."""
    path = _note(uri)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    note = {
        "at": datetime.now(UTC).isoformat(),
        "whole": found.whole,
        "opened": found.opened,
        "damaged": len(found.damaged),
    }
    path.write_text(json.dumps(note))


def last_verified(uri: str) -> dict[str, object]:
    """``at``, ``whole``, ``opened``, ``damaged`` of the last verification from here; or empty."""
    try:
        values: dict[str, object] = json.loads(_note(uri).read_bytes())
    except (OSError, ValueError):
        return {}
    return values


def _note(uri: str) -> Path:
    return state_folder() / "verified" / f"{Seen.name_of(uri)}.json"
