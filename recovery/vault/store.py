"""The vault's door: put, fetch, commit, points. Where it is, and whether it is sealed, is below.

Layout: ``objects/<2 hex>/<64 hex>`` and ``points/<point>.json``. An unsealed vault names an
object by its content's SHA-256; a sealed one by a keyed hash of it, so that whoever lacks
the keys can't even ask whether a known file is there.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Protocol

from recovery.vault.manifest import Archive, Manifest, StoredObject
from recovery.vault.open import open_vault

__all__ = ["Vault", "open_vault"]


class Vault(Protocol):
    """Where recovery points are kept."""

    uri: str

    def put(self, source: IO[bytes], name: str) -> StoredObject:
        """Stores a file, once: what is there already is neither sealed nor written again."""

    def holds(self, item: StoredObject) -> bool:
        """Whether the object is there, in its right size."""

    def fetch(self, item: StoredObject, into: Path) -> Path:
        """Writes the object to the file ``into`` (0600); its hash is checked on the way.

        Raises :class:`VaultError` when it is missing, or isn't what the manifest says.
        """

    def read(self, item: StoredObject) -> bytes:
        """The content of a small object; raises as :meth:`fetch` does."""

    def commit(self, manifest: Manifest) -> None:
        """Writes the manifest: from now on the recovery point exists."""

    def points(self) -> list[Manifest]:
        """Every recovery point that can be trusted and read, the oldest first."""

    def newest_first(self) -> Iterator[Manifest]:
        """The same, the newest first, each opened when it is asked for."""

    def point(self, name: str = "") -> Manifest:
        """The named recovery point, or the newest; :class:`VaultError` when there is none."""

    def refuse_rollback(self) -> None:
        """Raises :class:`UntrustedError` where a point captured after all that are there is gone.

        Asked once points were opened: what an adopted one is made of, its name doesn't tell.
        """

    def remember(self, archives: Sequence[Archive]) -> None:
        """Notes archives just stored, for a capture that goes on after this one was cut off."""

    def remembered(self) -> list[Archive]:
        """Archives of captures that were cut off."""
