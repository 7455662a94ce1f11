"""The name of a recovery point, and of what a capture makes on a server for it."""

import secrets
from datetime import datetime


def point_name(began: datetime) -> str:
    """The name of a point, by which points are put in order: the second, then its microsecond.

    The last digit is random, for two captures that begin at once.
    """
    return f"{began:%Y%m%dT%H%M%SZ}-{began.microsecond:05x}{secrets.token_hex(1)[0]}"
