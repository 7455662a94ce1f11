"""What this machine has seen in a vault: a rolled-back vault doesn't pass for a young one.

Kept in the user's state folder. A manifest that has changed since is refused; so is the
choice of "the newest point" when a newer one was here before and no removal was noted. Newer is
what was captured later: an adopted point is made of older things than its name tells.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from recovery.errors import UntrustedError
from recovery.state_folder import state_folder
from recovery.vault.by_capture import made_at

_AHEAD = timedelta(days=1)
"""So far may two clocks be apart."""


class Seen:
    """Point → SHA-256 of its manifest's file, and when it was captured, as last seen from here."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._path = state_folder() / "seen" / f"{self.name_of(uri)}.json"

    @staticmethod
    def name_of(uri: str) -> str:
        """A file's name for a vault: without the credentials that a URI could hold."""
        return hashlib.sha256(uri.encode()).hexdigest()[:32]

    def _load(self) -> dict[str, str]:
        try:
            values = json.loads(self._path.read_bytes())
        except (OSError, ValueError):
            return {}
        return {str(point): str(digest) for point, digest in values.items()}

    def _save(self, points: dict[str, str]) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, part = tempfile.mkstemp(dir=self._path.parent)
        with os.fdopen(descriptor, "w") as out:
            json.dump(points, out)
        Path(part).replace(self._path)

    def note(self, point: str, sha256: str, captured_at: datetime) -> None:
        """Remembers a manifest."""
        known = self._load()
        line = f"{sha256} {captured_at.astimezone(UTC).isoformat()}"
        if known.get(point) != line:
            self._save(known | {point: line})

    def forget(self, points: Collection[str]) -> None:
        """Points that were removed on purpose."""
        self._save({point: sha for point, sha in self._load().items() if point not in points})

    def compare(self, point: str, sha256: str, captured_at: datetime) -> None:
        """Notes a manifest; :class:`UntrustedError` when it isn't the one that was here before."""
        before = self._load().get(point, "").partition(" ")[0]
        if before and before != sha256:
            raise UntrustedError(
                f"the manifest of {point} is refused: it was replaced by another one that is "
                "signed as well, after this machine had seen it",
                step="read the vault",
                target=self._uri,
                hint=f"find out who did it; {self._path} holds what was seen",
            )
        self.note(point, sha256, captured_at)

    def refuse_rollback(self, known: Collection[str]) -> None:
        """Raises :class:`UntrustedError` when one captured after all ``known`` was seen before."""
        seen = self._load()
        # One that says it is of a time to come would hide them all.
        soon = datetime.now(UTC) + _AHEAD
        past = [point for point in known if _captured_at(point, seen) <= soon]
        newest = max(past, key=lambda point: _captured_at(point, seen), default="")
        last = _captured_at(newest, seen)
        gone = sorted(
            (at, point)
            for point in seen
            if point not in known and (at := _captured_at(point, seen)) > last
        )
        if gone:
            raise UntrustedError(
                f"the vault was rolled back: {gone[-1][1]} was here before and is gone",
                step="choose the recovery point",
                target=self._uri,
                hint="find out who removed it; to go on with an older one, name it: --point "
                + (newest or "POINT"),
            )


def _captured_at(point: str, seen: Mapping[str, str]) -> datetime:
    """As it was noted; of one that never was opened here by its name, which is never earlier."""
    with suppress(ValueError):
        return datetime.fromisoformat(seen.get(point, "").partition(" ")[2])
    return made_at(point) or datetime.min.replace(tzinfo=UTC)
