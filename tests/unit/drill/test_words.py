import pytest

from recovery.drill.words import duration


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "–"),
        (0, "0.0 s"),
        (9.34, "9.3 s"),
        (9.99, "10.0 s"),
        (47.04, "47.0 s"),
        (59.96, "1 min"),
        (60, "1 min"),
        (200, "3 min 20 s"),
        (3600, "1 h"),
        (7500, "2 h 5 min"),
        (86400, "1 d"),
        (93600, "1 d 2 h"),
    ],
)
def test_durations(seconds, words):
    assert duration(seconds) == words
