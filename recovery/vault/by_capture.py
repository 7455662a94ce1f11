"""Recovery points in the order of their captures, opened only as far as somebody asks.

A point's name tells when it was made. That is when it was captured, but for an adopted one, whose
content is older than its name: so a name is the latest that a point can have been captured.
"""

from bisect import insort
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from recovery.vault.manifest import Manifest

_FORM = "%Y%m%dT%H%M%SZ"
_LENGTH = len("20260101T000000Z")


def by_capture(points: Iterable[Manifest]) -> Iterator[Manifest]:
    """``points``, given by name, the newest first, in the order of capture, the latest first.

    Of two of one time (a folder that was adopted twice) the one that was made later comes first. A
    point is handed on as soon as no later name can belong to a newer capture.
    """
    waiting: list[Manifest] = []
    for point in points:
        insort(waiting, point, key=order)
        made = made_at(point.point)
        while made and waiting and waiting[-1].captured_at >= made:
            yield waiting.pop()
    yield from reversed(waiting)


def order(point: Manifest) -> tuple[datetime, str]:
    """What the later captured one has more of; of two of one time, the one that was made later."""
    return point.captured_at, point.point


def made_at(name: str) -> datetime | None:
    """When a point was made, by its name, in whole seconds; None for a name without a time."""
    try:
        return datetime.strptime(name[:_LENGTH], _FORM).replace(tzinfo=UTC)
    except ValueError:
        return None
