"""Accounts of a recovery point: read, compared, approved, held back."""

import io
import json
import tarfile
import zipfile
from pathlib import Path

import pytest

from recovery.accounts.approve import approve, write_approval
from recovery.accounts.read_accounts import (
    Account,
    account_path,
    accounts_in_backup,
    accounts_in_state,
    users_without_rights,
)
from recovery.accounts.review import review
from recovery.errors import BadInputError
from recovery.restore.state_files import Keep, account_of, copy_state, held_files

REAL = Path(__file__).parents[2] / "fixtures" / "velociraptor-0.77.2"


def _tar(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


def _account(name: str, *roles: str, org: str = "root") -> Account:
    return Account(org, name, {"roles": list(roles)})


def test_the_real_backups_accounts() -> None:
    found = accounts_in_backup(REAL / "backup_root_before_disaster.zip")
    named = {(a.org, a.name): a for a in found}
    assert named[("root", "admin")].is_admin
    assert not named[("root", "alice")].is_admin
    assert named[("root", "alice")].words == "investigator, label_clients, read_results"
    assert ("OACME", "carol") in named


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("acl/al%40x.json.db", ("acl", "root", "al@x")),
        ("./orgs/OACME/acl/bob.json.db", ("acl", "OACME", "bob")),
        ("users/bob.db", ("users", "root", "bob")),
        ("users/bob/notes.db", None),
        ("hunts/H.1.json.db", None),
    ],
)
def test_account_path(path: str, found: tuple[str, str, str] | None) -> None:
    assert account_path(path) == found


def test_gained_admin_rights_come_first() -> None:
    before = [_account("ann", "reader"), _account("bob", "reader"), _account("gone", "reader")]
    now = [
        _account("ann", "reader"),
        _account("bob", "administrator"),
        _account("new", "reader"),
        _account("evil", "org_admin", org="OACME"),
    ]
    found = review(now, before)
    assert [(item.account.name, item.change) for item in found] == [
        ("evil", "new"),
        ("bob", "changed"),
        ("new", "new"),
        ("gone", "removed"),
        ("ann", "same"),
    ]
    assert [item.gains_admin for item in found] == [True, True, False, False, False]


@pytest.mark.parametrize(
    ("path", "whose"),
    [
        ("users/gui/ann.json.db", "ann"),
        ("users/gui/o%27neil.json.db", "o'neil"),
        ("users/ann/Favorites/CLIENT/fav.json.db", "ann"),
        ("users/gui/Favorites/CLIENT/fav.json.db", "gui"),
    ],
)
def test_what_users_set_for_themselves_belongs_to_them(path: str, whose: str) -> None:
    assert account_of(path) == ("settings", "root", whose)


def test_known_lets_no_new_name_and_no_new_right_in() -> None:
    found = review(
        [_account("ann", "reader"), _account("bob", "administrator"), _account("new", "reader")],
        [_account("ann", "reader"), _account("bob", "reader")],
    )
    assert [account.name for account in approve("known", found, "d")] == ["ann"]
    assert len(approve("all", found, "d")) == 3


def test_unchanged_lets_in_who_was_there_with_no_right_more() -> None:
    both = Account("root", "kim", {"roles": ["administrator", "reader"], "execve": True})
    less = Account("root", "kim", {"roles": ["reader"]})
    before = [_account("ann", "reader"), both]
    found = review([_account("ann", "reader"), _account("new", "reader"), less], before)
    assert [account.name for account in approve("unchanged", found, "d")] == ["kim", "ann"]
    more = Account("root", "ann", {"roles": ["reader"], "execve": True})
    assert approve("unchanged", review([more], before), "d") == []


def test_unchanged_lets_everybody_in_where_nobody_was_captured_before() -> None:
    found = review([_account("ann", "administrator")], [])
    assert [account.name for account in approve("unchanged", found, "d")] == ["ann"]
    assert approve("known", found, "d") == []


def test_an_approval_is_bound_to_rights_and_deployment(tmp_path: Path) -> None:
    file = tmp_path / "approval.json"
    file.touch(0o644)
    write_approval(file, [_account("ann", "reader"), _account("bob", "reader")], "dep")
    assert file.stat().st_mode & 0o777 == 0o600
    rights = [entry["rights"] for entry in json.loads(file.read_bytes())["approved"]]
    assert [len(one) for one in rights] == [64, 64]  # of half of it, two policies could be made
    found = review([_account("ann", "reader"), _account("bob", "administrator")], [])
    assert [account.name for account in approve(str(file), found, "dep")] == ["ann"]
    with pytest.raises(BadInputError, match="another deployment"):
        approve(str(file), found, "other")


@pytest.mark.parametrize("text", ["", "[]", '{"deployment": 1}', '{"deployment":"d","x":[]}'])
def test_a_broken_approval_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "approval.json"
    file.write_text(text)
    with pytest.raises(BadInputError, match="no approval"):
        approve(str(file), [], "d")


def test_held_back_accounts_are_not_placed(tmp_path: Path) -> None:
    acl = json.dumps({"roles": ["reader"]}).encode()
    state = _tar(
        tmp_path / "s.tar",
        {
            "acl/ann.json.db": acl,
            "acl/eve.json.db": acl,
            "acl/VelociraptorServer.json.db": acl,
            "orgs/O1/acl/eve.json.db": acl,
            "users/ann.db": b"a",
            "users/eve.db": b"e",
            "hunts/H.1.json.db": b"{}",
        },
    )
    assert {a.key for a in accounts_in_state(state)} == {
        ("root", "ann"),
        ("root", "eve"),
        ("O1", "eve"),
    }
    for allowed, kept in (
        ({("root", "ann")}, {"acl/ann.json.db", "users/ann.db"}),
        (
            {("root", "ann"), ("O1", "eve")},
            {"acl/ann.json.db", "users/ann.db", "orgs/O1/acl/eve.json.db", "users/eve.db"},
        ),
    ):
        with tarfile.open(tmp_path / "o.tar", "w") as out:
            copy_state(state, out, Keep.EVERYTHING, allowed)
        with tarfile.open(tmp_path / "o.tar") as tar:
            always = {"acl/VelociraptorServer.json.db", "hunts/H.1.json.db"}
            assert set(tar.getnames()) == kept | always
        with tarfile.open(state) as tar:
            assert set(held_files(state, allowed)) == set(tar.getnames()) - kept - always
    assert held_files(state, None) == []


def test_users_without_any_rights_come_back_and_nobody_else_by_them(tmp_path: Path) -> None:
    acl = json.dumps({"roles": ["reader"]}).encode()
    root = _tar(
        tmp_path / "root.tar",
        {
            "acl/eve.json.db": acl,
            "acl/none.json.db": b"{}",
            "users/none.db": b"n",
            "users/never%40granted.db": b"n",
            "users/eve.db": b"e",
            "users/Bob.db": b"b",
            "users/x.json.db": b"x",
        },
    )
    other = _tar(tmp_path / "O1.tar", {"orgs/O1/acl/bob.json.db": acl})
    without = users_without_rights([root, other])
    assert without == ["none", "never@granted", "x.json"]
    allowed = {("root", name) for name in without}
    with tarfile.open(tmp_path / "o.tar", "w") as out:
        copy_state(root, out, Keep.EVERYTHING, allowed)
    with tarfile.open(tmp_path / "o.tar") as tar:
        assert set(tar.getnames()) == {
            "acl/none.json.db",
            "users/none.db",
            "users/never%40granted.db",
            "users/x.json.db",
        }


def test_a_users_record_follows_rights_in_any_org_however_it_is_spelt(tmp_path: Path) -> None:
    """A server takes Bob and bob for one user, and each org keeps the spelling it was given."""
    state = _tar(tmp_path / "s.tar", {"users/Bob.db": b"b", "users/eve.db": b"e"})
    assert held_files(state, {("O1", "bob")}) == ["users/eve.db"]


def test_a_denied_name_stays_out_however_it_is_spelt(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text("names: any\ndeny: [mallory]\n")
    found = review([_account("Mallory", "reader"), _account("ann", "reader")], [])
    assert [account.name for account in approve(str(rules), found, "d")] == ["ann"]
    assert account_path("acl/mallory_.json.db") == ("acl", "root", "mallory")


@pytest.mark.parametrize(
    ("policy", "admin"),
    [
        ({"roles": ["reader", "org_admin"]}, True),
        ({"roles": ["investigator"], "collectServer": True}, False),
        ({"serverAdmin": True}, True),
        ({"anyQuery": True}, True),
        ({"impersonation": True}, True),
        ({"superUser": True}, True),
        ({"roles": ["artifact_writer"]}, True),
        ({"artifactWriter": True}, True),
    ],
)
def test_single_rights_make_an_administrator_as_the_datastore_spells_them(policy, admin):
    assert Account("root", "x", policy).is_admin is admin


def test_a_backups_rights_are_named_as_the_datastores(tmp_path):
    with zipfile.ZipFile(tmp_path / "backup.zip", "w") as archive:
        row = {"Principal": {"name": "x"}, "Policy": {"server_admin": True, "roles": ["reader"]}}
        archive.writestr("orgs/root/acls.json", json.dumps(row) + "\n")
    (account,) = accounts_in_backup(tmp_path / "backup.zip")
    assert account.policy == {"serverAdmin": True, "roles": ["reader"]}
    assert account.is_admin
