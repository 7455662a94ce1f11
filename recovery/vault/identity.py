"""What a stream is: its hash and its size, found while it goes by."""

import hashlib
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import IO

from recovery.vault.manifest import StoredObject
from recovery.vault.seal import blocks

_WORTH_A_THREAD = 256 << 10


class Identity:
    """SHA-256 and size of what passed. Hashing goes on beside whatever is done with it."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._size = 0

    def watched(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Hands ``pieces`` on; each is hashed while the taker works with it."""
        last: Future[None] | None = None
        with ExitStack() as stack:
            pool: ThreadPoolExecutor | None = None
            for piece in pieces:
                self._size += len(piece)
                if last:
                    last.result()
                if len(piece) < _WORTH_A_THREAD:
                    self._hash.update(piece)
                    last = None
                else:
                    pool = pool or stack.enter_context(ThreadPoolExecutor(1))
                    last = pool.submit(self._hash.update, piece)
                yield piece
            if last:
                last.result()

    def passed(self, source: IO[bytes]) -> Iterator[bytes]:
        """The rest of ``source``, watched, in blocks of a MB."""
        return self.watched(blocks(source))

    def of(self, name: str) -> StoredObject:
        """The identity of what passed, under a name for people."""
        return StoredObject(sha256=self._hash.hexdigest(), size=self._size, name=name)
