from datetime import timedelta

import pytest

from recovery.capture.options import parse_hunts, parse_strategy
from recovery.cli.lengths import parse_age
from recovery.errors import BadInputError


def test_redeploy_is_always_part_and_the_order_is_kept():
    assert parse_strategy("collections, state") == ["redeploy", "state", "collections"]


@pytest.mark.parametrize("text", ["stat", "state,backups"])
def test_an_unknown_strategy_is_named(text):
    with pytest.raises(BadInputError, match=text.rsplit(",", maxsplit=1)[-1]):
        parse_strategy(text)


@pytest.mark.parametrize(
    ("text", "age"),
    [("7d", timedelta(days=7)), ("36h", timedelta(hours=36)), ("2w", timedelta(weeks=2))],
)
def test_ages(text, age):
    assert parse_age(text) == age


@pytest.mark.parametrize("text", ["7", "d", "7 days", "-1d", "9999999d", ""])
def test_what_is_no_age_is_refused(text):
    with pytest.raises(BadInputError):
        parse_age(text)


def test_an_empty_choice_is_refused():
    with pytest.raises(BadInputError, match="no strategy is named"):
        parse_strategy(" ,")
    with pytest.raises(BadInputError, match="no hunt is named"):
        parse_hunts("")


def test_hunts():
    assert parse_hunts("all") == "all"
    assert parse_hunts("none") == []
    assert parse_hunts("H.1, H.2") == ["H.1", "H.2"]
    with pytest.raises(BadInputError, match=r"F\.1"):
        parse_hunts("H.1,F.1")
