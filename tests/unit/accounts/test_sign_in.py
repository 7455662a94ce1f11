"""A password set, an account unlocked: no right more in the records, and told all the same."""

import io
import json
import tarfile

import pytest

from recovery.accounts.policy import Policy, refusal
from recovery.accounts.read_accounts import accounts_in_state
from recovery.accounts.review import review
from recovery.accounts.sign_ins import sign_ins_in, with_sign_ins

HASH, SALT, LOCKED, SUBJECT = b"\x12\x04hash", b"\x1a\x04salt", b"\x40\x01", b"\x72\x031-2"
OTHER = b"\x12\x04more"
READER, ADMIN = {"roles": ["reader"]}, {"roles": ["administrator"]}


def record(name, *fields):
    return bytes([0x0A, len(name)]) + name.encode() + b"".join(fields)


@pytest.fixture
def accounts(tmp_path):
    def read(policy, *fields):
        path = tmp_path / "state.tar"
        files = {
            "acl/Ann%40x.json.db": json.dumps(policy).encode(),
            "users/ann%40x.db": record("ann@x", *fields),
            "orgs/O1/users/ann%40x.db": record("ann@x", OTHER),
        }
        with tarfile.open(path, "w") as tar:
            for name, data in files.items():
                member = tarfile.TarInfo(name)
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
        return with_sign_ins(accounts_in_state(path), sign_ins_in([path]))

    return read


@pytest.mark.parametrize(
    ("before", "now", "told", "held"),
    [
        ((HASH, SALT), (HASH, SALT), [], ""),
        ((HASH, SALT), (OTHER, SALT), ["password changed"], ""),
        ((SUBJECT,), (SUBJECT, HASH), ["password set"], ""),
        ((HASH, SUBJECT), (HASH,), ["identity changed"], ""),
        ((HASH,), (HASH, LOCKED), ["locked"], ""),
        ((HASH, LOCKED), (HASH,), ["unlocked"], "more rights than before"),
        ((HASH, LOCKED), (OTHER, LOCKED), ["password changed"], ""),
    ],
)
def test_what_changed_is_told_and_who_was_locked_is_held_back(accounts, before, now, told, held):
    (item,) = review(accounts(READER, *now), accounts(READER, *before))
    assert item.sign_in == told
    assert item.change == ("changed" if told else "same")
    assert refusal(Policy(), item) == held
    assert not item.gains_admin


def test_an_administrator_unlocked_is_a_new_one(accounts):
    (item,) = review(accounts(ADMIN), accounts(ADMIN, LOCKED))
    assert item.gains_admin
    assert item.before.words == "administrator, locked"
    assert refusal(Policy(), item) == "a new administrator"
    assert refusal(Policy(administrators="any", changed_rights=True), item) == ""


def test_a_record_that_is_none_and_a_point_without_state_tell_nothing(accounts):
    (broken,) = accounts(READER, b"\x12\xff")
    assert (broken.sign_in.password, broken.sign_in.locked) == ("", False)
    (known,) = accounts(READER, HASH)
    backup = [type(known)("root", "Ann@x", READER)]
    assert [item.change for item in review([known], backup)] == ["same"]
    assert [item.change for item in review(backup, [known])] == ["same"]


def test_an_operator_need_not_spell_a_name_as_its_user_does(accounts):
    (account,) = accounts(READER)
    assert account.is_called("ann@X")
    assert not account.is_called("ann@y")


@pytest.mark.parametrize(
    ("before", "hidden", "told"),
    [
        ((LOCKED,), (b"\x42\x01x",), ["unlocked"]),
        ((), (HASH, b"\x10\x00"), ["password set"]),
        ((), (SUBJECT, b"\x70\x00"), ["identity set"]),
    ],
)
def test_a_field_of_another_kind_hides_nothing(accounts, before, hidden, told):
    """A server passes it by (protobuf), and goes by the right one."""
    (item,) = review(accounts(READER, *hidden), accounts(READER, *before))
    assert item.sign_in == told
