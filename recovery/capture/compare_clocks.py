"""Three clocks meet in a capture: this machine's, the server's, and those of earlier captures.

Points are ordered by their time, flows are chosen by it, and the RPO is counted from it; so a
clock that is wrong is said, never worked around in silence.
"""

import time
from datetime import timedelta

from recovery.capture.readiness import in_words
from recovery.vault.manifest import Manifest
from recovery.velociraptor.api import Api

ALLOWED = timedelta(minutes=1)


def here() -> float:
    """The clock of this machine, seconds since the epoch."""
    return time.time()


def server_ahead(api: Api) -> timedelta:
    """How far the server's clock is ahead of this machine's (negative: behind), to a second."""
    before = here()
    (row,) = api.query("SELECT now() AS Now FROM scope()", min_rows=1, timeout=60)
    middle = (before + here()) / 2
    return timedelta(seconds=int(row["Now"]) - int(middle))


def clock_gaps(ahead: timedelta, point: str, newest: Manifest | None) -> list[str]:
    """What is to be said of the clocks in the point ``point``; empty when they agree.

    ``newest``: the one before it by its name.
    """
    said = []
    if abs(ahead) > ALLOWED:
        how = "ahead of" if ahead > timedelta(0) else "behind"
        said.append(
            f"clocks: the server's is {in_words(abs(ahead))} {how} this machine's; times in this "
            "point are off by so much; set both by NTP"
        )
    if newest and newest.point > point:
        said.append(
            f"clocks: {newest.point} in this vault is later than now, and counts as the newest "
            "until then; set this machine's clock, or name the point to recover from by --point"
        )
    return said
