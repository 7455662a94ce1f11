"""Times: now(), timestamp()."""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

from server_app.vql.registry import Call, function, optional
from server_app.vql.values import NO_TIME, Timestamp, number

Arguments = dict[str, Any]

_SCALES = ((10**17, 1), (10**14, 10**3), (10**11, 10**6))
"""From which size on a number counts nanoseconds, micro-, milliseconds; below: seconds."""


@function("now", {})
def now(_call: Call, _arguments: Arguments) -> int:
    """Seconds since 1970."""
    return int(time.time())


@function(
    "timestamp",
    {"epoch": optional("any"), "string": optional("string"), "format": optional("string")},
)
def timestamp(_call: Call, arguments: Arguments) -> Timestamp | None:
    """A moment from a number of any usual unit, or from text in ISO form."""
    if arguments["epoch"] is None and not arguments["string"]:
        return None
    return moment(arguments["epoch"] if arguments["epoch"] is not None else arguments["string"])


def moment(value: Any) -> Timestamp | None:
    """A Timestamp from a number, text or Timestamp; None for what is no time."""
    if isinstance(value, Timestamp):
        return value
    if isinstance(value, str):
        return _from_text(value)
    amount = number(value)
    if amount == 0:
        return NO_TIME
    if amount is None or amount != amount or abs(amount) > 10**20:  # noqa: PLR0124 - NaN
        return None
    for least, factor in _SCALES:
        if abs(amount) >= least:
            return Timestamp(int(amount * factor))
    return Timestamp(int(amount * 10**9))


def _from_text(text: str) -> Timestamp | None:
    if not text:
        return NO_TIME
    try:
        return moment(float(text))
    except ValueError:
        pass
    try:
        parsed = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    if parsed.tzinfo is None:
        parsed = parsed.replace(tzinfo=dt.UTC)
    whole = parsed.replace(microsecond=0)
    return Timestamp(int(whole.timestamp()) * 10**9 + parsed.microsecond * 1000)
