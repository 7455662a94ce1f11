"""Results that go straight on to Elastic or Splunk: whether they do, as readiness counts it."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from recovery.capture.readiness import Line, in_words
from recovery.counts import things
from recovery.forwarding.count_sent import Sent, count_sent
from recovery.forwarding.expected import expected_forwarding
from recovery.forwarding.turn_on import Forwarding, find_forwarding
from recovery.vault.manifest import Manifest
from recovery.velociraptor.api import Api

_DAY = timedelta(days=1)
_SET = "`recovery configure --from URI --forward KIND --forward-url URL --credentials FILE`"
_TRY = "`recovery configure --from URI --forward-test` sends a test event"


def forwarding_lines(api: Api, newest: Manifest | None, now: datetime) -> Iterator[Line]:
    """A line an org and receiver; one more for each that the newest point had and is off now.

    A server that never forwarded anything has no line: it isn't asked to.
    """
    on = find_forwarding(api)
    since = (now - _DAY).timestamp()
    for one in on:
        yield forwarding_line(one, count_sent(api, one, since), now)
    yield from _switched_off(on, newest)


def forwarding_line(one: Forwarding, sent: Sent, now: datetime) -> Line:
    """What one forwarding of one org did in the last day."""
    name = f"forwarding {one.kind.name}, {one.org}"
    if sent.last is None:
        return Line(name, "warning", "on; nothing was sent in the last day", _TRY, 0.0)
    age = in_words(now - datetime.fromtimestamp(sent.last, UTC))
    says = (
        f"{things(sent.taken, 'document')} in the last day, {sent.refused} refused, last {age} ago"
    )
    value = float(sent.taken)
    if sent.trouble:
        return Line(name, "bad", f"{says}: {sent.trouble}", f"{_TRY}; new ones: {_SET}", value)
    if not one.secret:
        clear = f"{says}; its credentials lie in the monitoring table in clear"
        return Line(name, "warning", clear, f"{_SET}: as a secret", value)
    if sent.refused:
        return Line(name, "warning", says, "the receiver's mapping refuses some of them", value)
    return Line(name, "good", says, value=value)


def _switched_off(on: Sequence[Forwarding], newest: Manifest | None) -> Iterator[Line]:
    now = {(one.org, one.kind.name) for one in on}
    for org, kind in expected_forwarding(newest) if newest else ():
        if (org, kind.name) not in now:
            says = "was on in the newest point, and is off: results stay on this server alone"
            yield Line(f"forwarding {kind.name}, {org}", "bad", says, _SET)
