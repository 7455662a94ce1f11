from datetime import UTC, datetime

import pytest

from recovery.capture.forwarding_readiness import forwarding_line
from recovery.forwarding.count_sent import Sent
from recovery.forwarding.kinds import KINDS
from recovery.forwarding.turn_on import Forwarding

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
LAST = NOW.timestamp() - 300


@pytest.mark.parametrize(
    ("secret", "sent", "level", "says"),
    [
        ("s", Sent(7, 0, LAST), "good", "7 documents in the last day, 0 refused, last 5 min ago"),
        ("s", Sent(7, 2, LAST), "warning", "2 refused"),
        ("s", Sent(7, 2, LAST, "HTTP 401: who"), "bad", "HTTP 401: who"),
        ("", Sent(7, 0, LAST), "warning", "in clear"),
        ("s", Sent(), "warning", "nothing was sent"),
    ],
)
def test_what_a_forwarding_did_is_judged(secret, sent, level, says):
    one = Forwarding("root", KINDS["elastic"], "Custom.Elastic.Flows.Upload", secret)
    line = forwarding_line(one, sent, NOW)
    assert (line.name, line.level) == ("forwarding elastic, root", level)
    assert says in line.says
    assert line.value == sent.taken
