"""Many at a time, and bounded: memory and disk stay flat, however many archives there are."""

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from recovery.restore.parcel import Parcel

FILES = 250
FIRST = 50
"""The first batch is small: the server has something to do soon."""
BYTES = 256 << 20


def batches(
    parcels: Iterable[Parcel], files: int = FILES, size: int = BYTES
) -> Iterator[list[Parcel]]:
    """At most so many files, and about so many bytes, at a time."""
    batch: list[Parcel] = []
    held, full = 0, min(FIRST, files)
    for parcel in parcels:
        batch.append(parcel)
        held += parcel.file.stat().st_size
        if len(batch) >= full or held >= size:
            yield batch
            batch, held, full = [], 0, files
    if batch:
        yield batch


def ahead(made: Iterator[list[Parcel]]) -> Iterator[list[Parcel]]:
    """The same batches; the next one is made while the taker works on this one."""
    with ThreadPoolExecutor(1) as pool:
        coming: Future[list[Parcel] | None] = pool.submit(next, made, None)
        while (batch := coming.result()) is not None:
            coming = pool.submit(next, made, None)
            yield batch
