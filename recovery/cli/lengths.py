"""Lengths of time as a person writes them."""

import re
from datetime import timedelta

from recovery.errors import BadInputError

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_age(text: str, target: str = "") -> timedelta:
    """``"7d"``, ``"36h"``, ``"90m"`` as a length of time; :class:`BadInputError` otherwise.

    ``target``: the option that it was given by.
    """
    match = re.fullmatch(r"(\d{1,6})([smhdw])", text.strip())
    if not match:
        raise BadInputError(
            f"not a length of time: {text!r}",
            target=target,
            hint="a number and one of s, m, h, d, w: 7d, 36h",
        )
    return timedelta(**{_UNITS[match[2]]: int(match[1])})
