"""The recorded calls of a real server, repeated: they must agree, in all but the listed ones."""

import pytest

from tests.integration.conformance.rules import DIFFERS, NOT_REPEATED
from tests.integration.conformance.stage import CALLS

AT_LEAST = 0.95
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]


def test_every_scene_was_played_to_its_end(stage):
    assert stage.broken == {}


def test_at_least_95_percent_of_the_calls_agree(stage):
    differing = [number for number, found in stage.outcomes.items() if found]
    share = 1 - len(differing) / len(stage.outcomes)
    said = f"{stage.name}: {len(stage.outcomes)} calls, {share:.1%} agree, not: {differing}"
    print(said)  # noqa: T201
    assert set(stage.outcomes) == set(range(len(CALLS))) - set(NOT_REPEATED) - set(stage.refused)
    assert share >= AT_LEAST, said


@pytest.mark.parametrize("number", range(len(CALLS)))
def test_call(stage, number):
    if number in NOT_REPEATED:
        pytest.skip(NOT_REPEATED[number])
    if number in stage.refused:
        pytest.skip(stage.refused[number])
    differences = stage.outcomes[number]
    reason = DIFFERS[stage.name].get(number)
    if differences and reason:
        pytest.xfail(reason)
    assert not differences, "\n".join([CALLS[number]["query"], *differences])
