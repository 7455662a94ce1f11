"""What the forwarding did of late: documents taken and refused, as the server recorded them."""

from dataclasses import dataclass

from recovery.forwarding.send_test import counts, refusal
from recovery.forwarding.turn_on import Forwarding
from recovery.velociraptor.api import Api

_ANSWERS = """
SELECT StatusCode, Response, _ts FROM source(client_id="server", artifact=Forwarder,
                                             start_time=Since)
"""
_MILLISECONDS = 10**11


@dataclass(frozen=True)
class Sent:
    """Since a time: how many documents; ``last``: seconds since 1970 of the last answer, or None.

    ``trouble``: why the last one was refused; empty when it was taken.
    """

    taken: int = 0
    refused: int = 0
    last: float | None = None
    trouble: str = ""


def count_sent(api: Api, one: Forwarding, since: float) -> Sent:
    """Counts what was answered since ``since`` (seconds since 1970)."""
    env = {"Forwarder": one.artifact, "Since": str(int(since))}
    # Asked, not queried: before its first answer the artifact has no file, which is no error.
    rows = api.ask(_ANSWERS, org=one.org, env=env).rows
    if not rows:
        return Sent()
    pairs = [counts(row) for row in rows]
    stamp = float(rows[-1].get("_ts") or 0)
    return Sent(
        sum(taken for taken, _ in pairs),
        sum(refused for _, refused in pairs),
        stamp / 1000 if stamp > _MILLISECONDS else stamp,
        refusal(rows[-1]) if pairs[-1][1] else "",
    )
