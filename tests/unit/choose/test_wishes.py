from datetime import timedelta

import pytest

from recovery.choose.wishes import BEYOND, read_wishes
from recovery.cli.lengths import parse_age
from recovery.errors import BadInputError
from recovery.velociraptor.inventory import ITEMS


def test_the_words_of_the_command_line():
    wishes = read_wishes("labels, hunts,collections:30d", parse_age)
    assert wishes.items == {
        "labels",
        "hunts",
        "hunt_parameters",
        "hunt_results",
        "flows",
        "uploads",
    }
    assert wishes.since == timedelta(days=30)


def test_everything_is_every_item_and_what_no_inventory_counts():
    wishes = read_wishes("collections:7d,everything", parse_age)
    assert wishes.items == {*ITEMS, BEYOND}
    assert wishes.since is None


def test_nothing():
    assert not read_wishes("nothing", parse_age).items


@pytest.mark.parametrize(
    "text",
    ["", "nothing,labels", " , ", "lables", "labels:3d", "everything:3d", "collections:soon"],
)
def test_what_is_none_is_refused(text):
    with pytest.raises(BadInputError):
        read_wishes(text, parse_age)
