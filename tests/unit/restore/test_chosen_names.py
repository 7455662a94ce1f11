"""Names that choose nothing are refused; whatever the choice understands is not."""

import pytest

from recovery.restore.choice import Choice
from recovery.restore.chosen_names import artifacts_missed, left_out_by_kind, unknown_name
from recovery.vault.manifest import Archive, StoredObject
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
    return made.model_copy(
        update={"inventory": orgs, "org_names": {"OACME": "Acme, Inc."}, "archives": []}
    )


@pytest.mark.parametrize(
    ("choice", "unknown"),
    [
        ({}, None),
        ({"orgs": ["OACME", "root"]}, None),
        ({"orgs": ["OACM"]}, ("--org", "OACM", "OACME")),
        ({"orgs": ["acme inc"]}, ("--org", "acme inc", "OACME")),
        ({"orgs": ["Beta"]}, ("--org", "Beta", "")),
        ({"orgs": ["OACME*"]}, ("--org", "OACME*", "OACME")),
        ({"users": ["ann*", "ANN@example.org", LONG, "a[b]"]}, None),
        ({"users": ["ann*", "bob"]}, ("--user", "bob", "")),
        ({"users": ["carl"], "orgs": ["OACME"]}, ("--user", "carl", "")),
        ({"hunts": ["H.B*"]}, None),
        ({"hunts": ["H.A1", "H.B2"], "orgs": ["OACME"]}, ("--hunt", "H.B2", "")),
        ({"artifacts": ["custom.a"]}, ("--artifact", "custom.a", "Custom.A")),
        ({"artifacts": ["Custom.B"], "orgs": ["OACME"]}, ("--artifact", "Custom.B", "Custom.A")),
    ],
)
def test_what_chooses_nothing_is_named(manifest, choice, unknown):
    assert unknown_name(manifest, Choice(**choice)) == unknown


SINCE = {"flows_since": "2026-11-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("choice", "contrary"),
    [
        ({"users": ["ann"], "hunts": ["H.A1"], **SINCE}, None),
        ({"users": ["ann"], "providers": ["users"]}, None),
        ({"providers": ["hunts"], **SINCE}, None),  # of hunts' flows, too
        ({"users": ["ann"], "providers": ["flows", "hunts"]}, ("--user", "users")),
        ({"artifacts": ["A"], "providers": ["users"]}, ("--artifact", "artifacts")),
        ({"hunts": ["H.A1"], "providers": ["flows"]}, ("--hunt", "hunts")),
        ({"providers": ["users"], **SINCE}, ("--flows-since or --flows-until", "flows")),
    ],
)
def test_a_name_of_a_kind_that_is_left_out_is_told(choice, contrary):
    assert left_out_by_kind(Choice(**choice)) == contrary


@pytest.mark.parametrize(
    ("choice", "missed"),
    [
        ({}, []),
        ({"providers": ["flows"]}, ["Custom.A", "Custom.Root"]),
        ({"providers": ["flows"], "orgs": ["OACME2"]}, []),
        ({"artifacts": ["Custom.R*"]}, ["Custom.A"]),
        ({"providers": ["users"]}, []),
    ],
)
def test_artifacts_whose_rows_come_back_without_them_are_told(manifest, choice, missed):
    used = ["Custom.A/Second", "Custom.Root", "Generic.Client.Info", "Custom.B"]
    file = StoredObject(sha256="0" * 64, size=1, name="a.zip")
    archive = Archive(
        kind="flow", org="OACME", file=file, client_id="C.1", flow_id="F.1", artifacts=used
    )
    orgs = {**manifest.inventory.orgs, "root": {"artifacts": {"Custom.Root": "1"}}}
    point = manifest.model_copy(update={"archives": [archive], "inventory": Inventory(orgs=orgs)})
    assert artifacts_missed(point, Choice(**choice)) == missed
