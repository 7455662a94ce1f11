"""The streams of one ``docker exec``: the engine's frames out, plain bytes in.

The SDK's own reader is not used: it waits for a silent command without any limit, and what
arrives together with the answer's headers (on a busy machine often all of it) it drops.
"""

import socket
import struct
import time
from collections.abc import Iterator
from typing import Any

STDOUT = 1
_HEADER = struct.Struct(">BxxxL")
_PIECE = 1 << 16


class ExecStream:
    """The connection that ``exec_start(socket=True)`` gave. Close it."""

    def __init__(self, given: Any) -> None:
        self._given = given
        self.socket: socket.socket = getattr(given, "_sock", given)
        # The buffered reader beneath the HTTP answer: it holds what came with the headers.
        self._reader = given._response.raw._fp.fp  # noqa: SLF001 - no public way leads there
        self.deadline: float | None = None
        """In :func:`time.monotonic`'s seconds; past it a read raises :class:`TimeoutError`."""

    def frames(self) -> Iterator[tuple[int, bytes]]:
        """Pieces as (stream number, bytes), until the command ends its output.

        Raises :class:`OSError` when the engine ends the connection in the middle, and
        :class:`TimeoutError` past the deadline.
        """
        while header := self._exactly(_HEADER.size):
            kind, size = _HEADER.unpack(header)
            while size:
                piece = self._read(min(size, _PIECE))
                if not piece:
                    raise ConnectionResetError("the engine ended the connection")
                size -= len(piece)
                yield kind, piece

    def _exactly(self, size: int) -> bytes:
        """``size`` bytes, or none at the stream's end."""
        found = b""
        while len(found) < size:
            piece = self._read(size - len(found))
            if not piece and found:
                raise ConnectionResetError("the engine ended the connection")
            if not piece:
                return b""
            found += piece
        return found

    def _read(self, size: int) -> bytes:
        if self.deadline is not None:
            left = self.deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self.socket.settimeout(left)
        piece: bytes = self._reader.read1(size)
        return piece

    def close(self) -> None:
        self._reader.close()
        self._given.close()
        self.socket.close()
