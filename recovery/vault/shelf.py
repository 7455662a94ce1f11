"""The bottom of a vault: named bytes somewhere, whole or not there at all.

What they mean, how they are sealed and signed, is the business of the rooms above.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Protocol

from recovery.vault.age_file import Piece


@dataclass(frozen=True)
class Entry:
    """Something on a shelf: its name, size in bytes, and when it was put there (UTC)."""

    name: str
    size: int
    changed: datetime


class NotOnShelfError(Exception):
    """Nothing of that name is there."""


class LockedError(Exception):
    """The storage refuses to remove it: object lock, retention, or rights."""


class Shelf(Protocol):
    """Names are paths with ``/``. Storage errors are :class:`recovery.errors.VaultError`."""

    uri: str

    names_late: bool
    """Whether a name can be chosen after the content was written (:meth:`write_as`)."""

    def write(self, name: str, pieces: Iterable[Piece]) -> int:
        """Puts ``pieces`` under ``name``; bytes written. Readers see all of it or nothing."""

    def write_as(self, choose: Callable[[], str], pieces: Iterable[Piece]) -> int:
        """The same; ``choose`` is asked for the name when the last piece was written."""

    def create(self, name: str, content: bytes) -> bool:
        """Puts ``content`` there only if nothing of that name is: False when something is.

        Of two that create the same name at once, one gets True.
        """

    def read(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """The content as a stream; :class:`NotOnShelfError` when it isn't there."""

    def size(self, name: str) -> int | None:
        """Bytes of ``name``, None when it isn't there."""

    def entries(self, prefix: str) -> Iterator[Entry]:
        """What is there below ``prefix`` (a folder, without slash), sorted by name."""

    def remove(self, name: str) -> None:
        """Takes ``name`` away; :class:`LockedError` when the storage keeps it."""

    def settle(self) -> None:
        """Makes sure that everything written so far survives a power cut."""
