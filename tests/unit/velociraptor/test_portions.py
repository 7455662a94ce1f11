import json

from hypothesis import given
from hypothesis import strategies as st

from recovery.velociraptor.portions import LARGEST, PORTION, fits, portions

ROWS = st.lists(st.dictionaries(st.text(max_size=5), st.text(max_size=60), max_size=3))


@given(ROWS, st.integers(10, 300))
def test_every_row_in_its_order_and_no_portion_larger_than_it_may_be(rows, size):
    made = list(portions(rows, size))
    assert [row for portion in made for row in portion] == rows
    assert all(len(json.dumps(portion)) <= size for portion in made if len(portion) > 1)


def test_what_fits_together_goes_together():
    assert list(portions([])) == []
    assert [len(portion) for portion in portions(["x" * 100] * 20_000)] == [10082, 9918]
    # Others at its side are not held up by a large one.
    assert list(portions(["a", "x" * PORTION, "b"])) == [["a"], ["x" * PORTION], ["b"]]


def test_a_message_that_is_full_is_below_what_a_server_takes():
    assert fits("x" * (LARGEST - 4))
    assert not fits("x" * (LARGEST - 3))
    assert not fits("ü" * (LARGEST // 6 + 1))  # six bytes each, as JSON escapes it
    assert LARGEST < (4 << 20) - 100_000
