"""Many at a time, and bounded: memory and disk stay flat, however many archives there are."""

from collections.abc import Iterable, Iterator

from recovery.restore.parcel import Parcel

FILES = 500
FIRST = 50
"""The first batch is small, each next one half as large again: the server has something to do
soon, and the next one is there in time."""
BYTES = 256 << 20


def batches(
    parcels: Iterable[Parcel], files: int = FILES, size: int = BYTES, *, one_first: bool = False
) -> Iterator[list[Parcel]]:
    """At most so many files, and about so many bytes, at a time.

    ``one_first``: the first file is a batch of its own.
    """
    batch: list[Parcel] = []
    held, full = 0, 1 if one_first else min(FIRST, files)
    for parcel in parcels:
        batch.append(parcel)
        held += parcel.size
        if len(batch) >= full or held >= size:
            yield batch
            batch, held = [], 0
            full = min(max(FIRST, full + (full + 1) // 2), files)
    if batch:
        yield batch
