"""Names that choose nothing are refused; whatever the choice understands is not."""

import pytest

from recovery.restore.choice import Choice
from recovery.restore.chosen_names import unknown_name
from recovery.velociraptor.inventory import Inventory
from tests.unit.restore.points import Point

LONG = 45 * "ü"
LONG_ON_DISK = "#23dd5e779e211c10bc5333d925c8233f746b0653"


@pytest.fixture
def manifest(tmp_path):
    there = {
        "root": {"acls": {"Ann@Example.org": "1", LONG_ON_DISK: "2"}, "hunts": {"H.A1": "1"}},
        "OACME": {"users": {"a[b]": "1"}, "artifacts": {"Custom.A": "1"}},
        "OACME2": {"hunts": {"H.B2": "1"}, "artifacts": {"Custom.B": "1"}, "acls": {"carl": "1"}},
    }
    made = Point(tmp_path / "vault").make()
    orgs = Inventory(orgs=there)
    return made.model_copy(update={"inventory": orgs, "orgs": [*there], "archives": []})


@pytest.mark.parametrize(
    ("choice", "unknown"),
    [
        ({}, None),
        ({"orgs": ["OACME", "root"]}, None),
        ({"orgs": ["OACM"]}, ("--org", "OACM")),
        ({"orgs": ["OACME*"]}, ("--org", "OACME*")),
        ({"users": ["ann*", "ANN@example.org", LONG, "a[b]"]}, None),
        ({"users": ["ann*", "bob"]}, ("--user", "bob")),
        ({"users": ["carl"], "orgs": ["OACME"]}, ("--user", "carl")),
        ({"hunts": ["H.B*"]}, None),
        ({"hunts": ["H.A1", "H.B2"], "orgs": ["OACME"]}, ("--hunt", "H.B2")),
        ({"artifacts": ["custom.a"]}, ("--artifact", "custom.a")),
        ({"artifacts": ["Custom.B"], "orgs": ["OACME"]}, ("--artifact", "Custom.B")),
    ],
)
def test_what_chooses_nothing_is_named(manifest, choice, unknown):
    assert unknown_name(manifest, Choice(**choice)) == unknown
