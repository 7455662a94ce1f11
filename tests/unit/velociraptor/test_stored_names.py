"""Names of files as a real server wrote them, back to the names that were given."""

import pytest

from recovery.velociraptor.stored_names import (
    JSON,
    RECORD,
    artifact_name,
    forgotten_artifacts,
    forgotten_users,
    is_json,
    same_user,
    stored_name,
)


@pytest.mark.parametrize(
    ("file", "suffix", "name"),
    [
        ("a%2Bb%40example.com.json.db", JSON, "a+b@example.com"),
        ("x.json.json.db", JSON, "x.json"),
        ("x.json.db", RECORD, "x.json"),
        ("x.json.db_.db", RECORD, "x.json.db"),
        ("y.db_.json.db", JSON, "y.db"),
        ("z__.db", RECORD, "z_"),
        ("%2Ehid.db", RECORD, ".hid"),
        ("con%2E.json.db", JSON, "con."),
        ("%C3%BC n.db", RECORD, "ü n"),
        ("%FF.db", RECORD, "\\xff"),
    ],
)
def test_names_come_back_as_they_were_given(file, suffix, name):
    assert stored_name(file, suffix) == name


def test_a_users_record_is_no_json_whatever_the_user_is_called():
    assert not is_json("users/x.json.db")
    assert is_json("users/gui/x.json.db")
    assert is_json("acl/x.json.db")
    assert is_json("orgs/O1/users/x.json.db")
    assert not is_json("users/ann.db")


def test_artifacts_by_their_files():
    assert artifact_name("Custom/Foo/json.yaml") == "Custom.Foo.json"
    assert artifact_name("Custom/foo__.yaml") == "Custom.foo_"


def test_capital_and_small_letters_are_one_user():
    assert same_user("BOB") == same_user("bob")
    assert same_user("ÄNN") == same_user("änn")
    assert same_user("bob") != same_user("bob_")


def test_names_that_a_server_forgets():
    assert forgotten_users(["y.json.db", "x.json", "ann", "a.json"]) == ["a.json", "x.json"]


def test_artifacts_that_a_server_forgets_for_the_length_of_a_part():
    long, fits = "Custom." + 250 * "x", ".".join(["Custom", 249 * "x", 249 * "y"])
    assert forgotten_artifacts([fits, long, "Custom.A"]) == [long]
