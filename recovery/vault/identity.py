"""What a stream is: its hash and its size, found while it goes by."""

import hashlib
from collections.abc import Generator, Iterable
from typing import IO

from recovery.vault.manifest import StoredObject
from recovery.vault.read_ahead import read_ahead
from recovery.vault.seal import blocks

_WORTH_A_THREAD = 256 << 10


class Identity:
    """SHA-256 and size of what passed. Hashing goes on beside whatever is done with it."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._size = 0

    def watched(self, pieces: Iterable[bytes]) -> Generator[bytes]:
        """Hands ``pieces`` on; they are read and hashed while the taker works with earlier ones.

        Who may stop before the end closes it: a thread reads ahead until then.
        """
        rest = iter(pieces)
        for piece in rest:
            yield self._noted(piece)
            if len(piece) >= _WORTH_A_THREAD:
                yield from read_ahead(map(self._noted, rest))

    def passed(self, source: IO[bytes]) -> Generator[bytes]:
        """The rest of ``source``, watched, in blocks."""
        return self.watched(blocks(source))

    def of(self, name: str) -> StoredObject:
        """The identity of what passed, under a name for people."""
        return StoredObject(sha256=self._hash.hexdigest(), size=self._size, name=name)

    def _noted(self, piece: bytes) -> bytes:
        self._hash.update(piece)
        self._size += len(piece)
        return piece
