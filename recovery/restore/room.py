"""Room on the server's disks: from a full one a server takes nothing, and doesn't tell why."""

from recovery.errors import RecoveryError
from recovery.restore.context import Context

_NEEDED = 50_000_000
"""Bytes below which a server writes nothing (facts: Server and clients)."""


def full_disks(context: Context) -> list[str]:
    """A sentence for each of the server's folders whose disk is too full to write to."""
    ask = ["df", "--output=avail,target", "-B1", "--", *context.config.folders]
    try:
        return too_full(context.target.run(ask).text)
    except RecoveryError:
        return []  # it only explains what is a finding already


def too_full(table: str) -> list[str]:
    """The same from what `df` wrote: a line of heads, then bytes and where it is mounted. Pure."""
    told = []
    for line in sorted(set(table.splitlines()[1:])):
        free, _, place = line.strip().partition(" ")
        if free.isdigit() and int(free) < _NEEDED:
            told.append(
                f"the disk of {place.strip()} is full ({int(free) / 1e6:.0f} MB free; a server "
                "writes nothing below 50): make space there, then run the same again"
            )
    return told
