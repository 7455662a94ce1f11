"""Names over 250 bytes, which a server's files have as ``#`` and their SHA-1."""

import hashlib
import io
import json
import tarfile

import pytest

from recovery.accounts.policy import Policy, refusal
from recovery.accounts.read_accounts import accounts_in_state
from recovery.accounts.review import review
from recovery.accounts.sign_ins import sign_ins_in, with_sign_ins

LONG = "mallory " + 45 * "ü"
SHORT = "#" + hashlib.sha1(LONG.encode()).hexdigest()  # noqa: S324 - as a server does it
READER = json.dumps({"roles": ["reader"]}).encode()
ADMIN = json.dumps({"roles": ["administrator"]}).encode()


def record(name):
    raw = name.encode()
    return bytes([0x0A, len(raw)]) + raw + b"\x12\x01x"


@pytest.fixture
def found(tmp_path):
    def read(files):
        path = tmp_path / "state.tar"
        with tarfile.open(path, "w") as tar:
            for name, data in files.items():
                member = tarfile.TarInfo(name)
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
        return with_sign_ins(accounts_in_state(path), sign_ins_in([path]))

    return read


def test_the_users_own_record_has_the_full_name(found):
    files = {f"acl/{SHORT}.json.db": READER, f"users/{SHORT}.db": record(LONG)}
    (account,) = found(files)
    assert (account.name, account.shown) == (SHORT, LONG)


@pytest.mark.parametrize("content", [record("alice"), b"\x0a\xff", b"", record("")])
def test_a_record_of_another_name_counts_for_nothing(found, content):
    (account,) = found({f"acl/{SHORT}.json.db": READER, f"users/{SHORT}.db": content})
    assert account.shown == SHORT


def test_whoever_is_called_like_a_shortened_name_is_somebody_else(found):
    files = {
        f"acl/{SHORT}.json.db": READER,
        f"acl/%23{SHORT[1:]}.json.db": ADMIN,
        f"users/{SHORT}.db": record(LONG),
        f"users/%23{SHORT[1:]}.db": record(SHORT),
    }
    long, other = found(files)
    assert (long.shown, long.is_admin) == (LONG, False)
    assert (other.shown, other.is_admin) == (f"%23{SHORT[1:]}", True)
    assert len(review([long, other], [])) == 2


def test_rules_know_an_account_by_its_full_name(found):
    files = {f"acl/{SHORT}.json.db": READER, f"users/{SHORT}.db": record(LONG)}
    (item,) = review(found(files), [])
    assert refusal(Policy(names="any", deny=["mallory*"]), item) == "denied by name"
    assert refusal(Policy(names=["mallory*"]), item) == ""
    assert refusal(Policy(names=["alice"]), item) == "not a name on the list"
