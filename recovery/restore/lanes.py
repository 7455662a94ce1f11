"""Batches side by side: while the server imports one, others are sent, counted or made."""

from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from recovery.restore.parcel import Parcel

LANES = 3
"""They keep a server busy: it imports one batch while the last is counted and the next is sent."""
Work = Callable[[int, list[Parcel]], None]


def in_lanes(
    batches: Iterator[list[Parcel]], work: Work, lanes: int = LANES, *, before_one_ended: int = 0
) -> None:
    """Calls ``work(lane, batch)`` for each batch, at most ``lanes`` at a time.

    ``before_one_ended``: so many are begun before any has ended, 0 for as many as there are lanes.
    No lane has two at once. After an error no batch is begun any more; those under way are seen
    through, and the first error is raised. An interrupt by the keyboard doesn't wait for them:
    what they were at is in the ledger.
    """
    pool = ThreadPoolExecutor(lanes, thread_name_prefix="lane")
    running: dict[Future[None], int] = {}
    try:
        for number, batch in enumerate(batches):
            if len(running) == lanes or number == before_one_ended > 0:
                _settle(running)
            lane = min(set(range(lanes)) - set(running.values()))
            running[pool.submit(work, lane, batch)] = lane
        while running:
            _settle(running)
    except KeyboardInterrupt:
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    except BaseException:
        pool.shutdown(cancel_futures=True)
        raise
    pool.shutdown()


def _settle(running: dict[Future[None], int]) -> None:
    """Waits for one to end at least; raises what it raised."""
    done, _ = wait(running, return_when=FIRST_COMPLETED)
    for future in done:
        del running[future]
    for future in done:
        future.result()
