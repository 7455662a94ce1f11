from datetime import timedelta

import pytest
import yaml

from recovery.choose.prices import prices_of
from recovery.choose.recovery_time import Waits
from recovery.choose.sizes import UNKNOWN
from recovery.choose.strategies import STRATEGIES, Asked, choose
from recovery.choose.wishes import Wishes
from recovery.choose.write_config import configuration, length
from recovery.settings import parse_settings

ASKED = Asked(timedelta(hours=1), timedelta(hours=1), Wishes())
ROWS = choose(ASKED, UNKNOWN, {}, prices_of("/vault", None, None), Waits(60, 90)).rows


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.strategy)
def test_every_strategy_becomes_settings_that_are_taken(row):
    text = configuration(row, "/vault", "ssh://root@velo", "recovery plan --rpo 1h")
    flat = yaml.safe_load(text)["config"]
    settings = parse_settings({key.removeprefix("recovery:"): value for key, value in flat.items()})
    parts = next(one.parts for one in STRATEGIES if one.name == row.strategy)
    assert (settings.vault, settings.strategy) == ("/vault", parts)
    assert "recovery plan --rpo 1h" in text


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(62, "62 s"), (840, "14 min"), (7200, "2 h"), (9000, "2 h 30 min"), (7199, "2 h")],
)
def test_lengths_in_words(seconds, words):
    assert length(timedelta(seconds=seconds)) == words
