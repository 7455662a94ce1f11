"""Rows on their way to a server, in portions that one message holds.

A server's API takes messages of up to 4 MiB, gRPC's own default, and has no setting for it (read
in its source); a bigger one fails as ``RESOURCE_EXHAUSTED``, each time anew.
"""

import json
from collections.abc import Iterable, Iterator
from typing import TypeVar

from recovery.velociraptor.api import Api, Row

LARGEST = 4_000_000
"""Bytes of JSON in a message; the rest of the 4 MiB is for the statement and its other values."""
PORTION = 1 << 20
T = TypeVar("T")


def portions(rows: Iterable[T], size: int = PORTION) -> Iterator[list[T]]:
    """The rows in their order, at most ``size`` bytes as a JSON list; a bigger one is alone."""
    portion: list[T] = []
    held = 0
    for row in rows:
        more = size_of(row)
        if portion and held + more > size:
            yield portion
            portion, held = [], 0
        portion.append(row)
        held += more
    if portion:
        yield portion


def ask_in_portions(
    api: Api, vql: str, name: str, rows: Iterable[Row], org: str, *, each: bool = False
) -> Iterator[Row]:
    """What ``vql`` answers to ``rows``, which it has under ``name``; nothing is asked for none.

    ``each``: for every row one has to come. Raises what :meth:`Api.query` raises.
    """
    for portion in portions(rows):
        env = {name: json.dumps(portion)}
        least = len(portion) if each else 0
        yield from api.query(vql, env=env, org=org, timeout=3600, min_rows=least)


def fits(row: object) -> bool:
    """Whether a message holds it at all."""
    return size_of(row) <= LARGEST


def size_of(row: object) -> int:
    """Bytes in a JSON list: ``json.dumps`` writes ASCII, and two more between the rows."""
    return len(json.dumps(row)) + 2
