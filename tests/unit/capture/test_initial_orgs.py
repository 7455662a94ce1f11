"""``GUI.initial_orgs`` of a config that anybody may have written."""

import pytest

from recovery.capture.initial_orgs import InitialOrgs, initial_orgs

GOOD = {"org_id": "OACME", "name": "Acme", "nonce": "xjO1lZ2ufAY="}


def listed(*entries):
    return initial_orgs({"GUI": {"initial_orgs": list(entries)}})


def test_orgs_have_their_nonces_and_names():
    found = listed(
        GOOD, {"org_id": "acme-2", "nonce": "bm9uY2U="}, {"org_id": "O3", "name": "Drei"}
    )
    assert found.nonces == {"OACME": "xjO1lZ2ufAY=", "acme-2": "bm9uY2U="}
    assert found.names == {"OACME": "Acme", "O3": "Drei"}
    assert found.left == {}


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("OACME", "no org"),
        (None, "no org"),
        ({**GOOD, "org_id": "../../config/x"}, "no id of an org"),
        ({**GOOD, "org_id": ["OACME"]}, "no id of an org"),
        ({**GOOD, "org_id": "O" * 999}, "no id of an org"),
        ({"org_id": "OACME", "nonce": "ask bob"}, "OACME: what it has is no nonce"),
        ({"org_id": "OACME", "nonce": {"a": "b"}}, "OACME: what it has is no nonce"),
    ],
)
def test_what_is_no_org_is_named_and_the_good_ones_found(entry, said):
    found = listed(entry, {**GOOD, "org_id": "OGOOD"})
    assert found.nonces == {"OGOOD": GOOD["nonce"]}
    (why,) = found.left.values()
    assert why.startswith(said)
    assert len(why) < 200
    assert list(found.left) == ["GUI.initial_orgs, entry 1"]


def test_the_root_org_and_orgs_without_an_id_are_passed_over():
    assert listed({**GOOD, "org_id": "root"}, {"name": "made at a start"}) == InitialOrgs()


@pytest.mark.parametrize(
    "values", [{}, {"GUI": None}, {"GUI": [1]}, {"GUI": {"initial_orgs": None}}]
)
def test_a_config_without_them_has_none(values):
    assert initial_orgs(values) == InitialOrgs()


def test_no_list_is_named():
    found = initial_orgs({"GUI": {"initial_orgs": {"OACME": "x"}}})
    assert found.left == {"GUI.initial_orgs": "no list of orgs"}
