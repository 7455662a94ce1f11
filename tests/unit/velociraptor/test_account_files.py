"""Users, ACLs and secrets as they lie in the datastore; the record is one of a real server."""

import io
import tarfile

import pytest

from recovery.commands import Result
from recovery.errors import CommandError, ServerError
from recovery.velociraptor.account_files import (
    cleaned,
    digest_account_files,
    read_account_files,
)
from recovery.velociraptor.messages import protobuf_fields

# alice's record as Velociraptor 0.77.2 wrote it: name, hash (32 bytes), salt (32 bytes).
ALICE = bytes.fromhex(
    "0a05616c6963651220"
    "7f250e19fdfa368bd8dd298ac3542254bb8dbb34020a49c965bd546d1e44fbb4"
    "1a20"
    "8ef035056b4acd591247db618f6f111ce270b75d35f588ba207ecf79f8633586"
)


def test_a_real_users_record_is_understood():
    fields = dict(protobuf_fields(ALICE))
    assert fields[1] == b"alice"
    assert {number: len(content) for number, content in fields.items()} == {1: 5, 2: 32, 3: 32}


def test_password_digests_follow_hash_and_salt():
    other_hash = ALICE.replace(b"\x7f\x25", b"\x7e\x25")
    other_salt = ALICE.replace(b"\x8e\xf0", b"\x8e\xf1")
    found = [
        digest_account_files(iter([("users/alice.db", record)])).passwords["alice"]
        for record in (ALICE, ALICE, other_hash, other_salt)
    ]
    assert found[0] == found[1]
    assert len(set(found)) == 3


def test_a_user_without_a_password_has_no_password_entry():
    found = digest_account_files(iter([("users/bob.db", b"\x0a\x03bob")]))
    assert list(found.users) == ["bob"]
    assert found.passwords == {}


def test_users_options_in_sub_folders_are_passed_by():
    found = digest_account_files(iter([("users/gui/alice.db", b"\xff\xff")]))
    assert found.users == {}


def test_what_users_set_for_themselves_is_theirs():
    files = [
        ("users/gui/alice.json.db", b'{"timezone":"Europe/Berlin","links":[]}'),
        ("users/gui/o%27neil.json.db", b'{"theme":"dark"}'),
        ("users/gui/bob.json.db", b"{}"),
    ]
    found = digest_account_files(iter(files))
    assert set(found.options) == {"alice", "o'neil"}
    assert found.users == {}


def test_acls_are_per_org_equal_in_content_and_without_the_server_itself():
    files = [
        ("acl/alice.json.db", b'{"readResults":true,"roles":["b","a"]}'),
        ("acl/VelociraptorServer.json.db", b'{"superUser":true}'),
        ("orgs/O1/acl/bob%40example.com.json.db", b'{"roles":["a","b"],"readResults":true}'),
        ("acl/nobody.json.db", b'{"roles":[],"readResults":false}'),
    ]
    acls = digest_account_files(iter(files)).acls
    assert {org: list(found) for org, found in acls.items()} == {
        "root": ["alice"],
        "O1": ["bob@example.com"],
    }
    assert acls["root"]["alice"] == acls["O1"]["bob@example.com"]


def test_secrets_are_known_by_type_and_name():
    files = [("config/secrets/AWS S3 Creds/S3Token.json.db", b'{"encryptedSecret":"x"}')]
    assert list(digest_account_files(iter(files)).secrets["root"]) == ["AWS S3 Creds/S3Token"]


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("users/a.db", ALICE[:20]),
        ("users/a.db", b""),
        ("users/a.db", b"\x0f"),
        ("acl/a.json.db", b"\x00"),
    ],
)
def test_a_file_that_cannot_be_understood_is_named(path, content):
    with pytest.raises(ServerError, match=path):
        digest_account_files(iter([(path, content)]))


def test_cleaned_drops_what_says_nothing_and_orders_words():
    assert cleaned({"a": "", "b": [], "c": {"d": 0}, "e": ["z", "y"], "f": [2, 1]}) == {
        "e": ["y", "z"],
        "f": [2, 1],
    }


def tar_of(files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return out.getvalue()


class ChangingTarget:
    """A machine on which the first reads meet a file that changes meanwhile."""

    uri = "test://"

    def __init__(self, bad):
        self.bad = bad

    def run(self, argv, *, check=True, timeout=60):
        self.bad -= 1
        code, out = (1, b"") if self.bad >= 0 else (0, tar_of({"./users/alice.db": ALICE}))
        result = Result(tuple(argv), code, out, b"tar: file changed as we read it")
        return result.checked() if check else result


def test_reading_is_tried_again_when_a_file_changes_meanwhile():
    assert list(read_account_files(ChangingTarget(2), "/ds").users) == ["alice"]


def test_and_fails_when_it_goes_on():
    with pytest.raises(CommandError, match="file changed"):
        read_account_files(ChangingTarget(3), "/ds")
