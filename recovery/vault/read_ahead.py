"""Content read by a thread of its own, a few pieces ahead of whoever takes them."""

from collections.abc import Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from threading import Semaphore

_PIECES = 4


def read_ahead(pieces: Iterable[bytes]) -> Generator[bytes]:
    """The same ``pieces``, a few of them made before they are asked for.

    Reading, hashing and sealing all let the interpreter go, so two threads are twice as fast.
    What making a piece raises is raised here, after those before it. Closing it ends the
    thread, after the piece that it is making.
    """
    made: SimpleQueue[bytes | None] = SimpleQueue()
    room = Semaphore(_PIECES)
    stopped = False

    def make() -> None:
        try:
            for piece in pieces:
                made.put(piece)
                room.acquire()
                if stopped:
                    return
        finally:
            made.put(None)

    with ThreadPoolExecutor(1, "read-ahead") as pool:
        making = pool.submit(make)
        try:
            while (piece := made.get()) is not None:
                room.release()
                yield piece
            making.result()
        finally:
            stopped = True
            room.release()
