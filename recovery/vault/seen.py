"""What this machine has seen in a vault: a rolled-back vault doesn't pass for a young one.

Kept in the user's state folder. A manifest that has changed since is refused; so is the
choice of "the newest point" when a newer one was here before and no removal was noted.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Collection
from pathlib import Path

from recovery.errors import UntrustedError
from recovery.state_folder import state_folder


class Seen:
    """Point → SHA-256 of its manifest's file, as last seen from here."""

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

    def note(self, point: str, sha256: str) -> None:
        """Remembers a manifest."""
        known = self._load()
        if known.get(point) != sha256:
            self._save(known | {point: sha256})

    def forget(self, points: Collection[str]) -> None:
        """Points that were removed on purpose."""
        self._save({point: sha for point, sha in self._load().items() if point not in points})

    def compare(self, point: str, sha256: str) -> None:
        """Notes a manifest; :class:`UntrustedError` when it isn't the one that was here before."""
        before = self._load().get(point)
        if before and before != sha256:
            raise UntrustedError(
                f"the manifest of {point} is refused: it was replaced by another one that is "
                "signed as well, after this machine had seen it",
                step="read the vault",
                target=self._uri,
                hint=f"find out who did it; {self._path} holds what was seen",
            )
        self.note(point, sha256)

    def refuse_rollback(self, known: Collection[str]) -> None:
        """Raises :class:`UntrustedError` when a point newer than all ``known`` was seen before."""
        newest = max(known, default="")
        gone = sorted(point for point in self._load() if point > newest)
        if gone:
            raise UntrustedError(
                f"the vault was rolled back: {gone[-1]} was here before and is gone",
                step="choose the recovery point",
                target=self._uri,
                hint="find out who removed it; to go on with an older one, name it: --point "
                + (newest or "POINT"),
            )
