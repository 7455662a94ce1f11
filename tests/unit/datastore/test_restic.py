"""The real restic on this machine, in a folder."""

import os
import shutil
import time

import pytest

from recovery.commands import Result
from recovery.datastore.copy import FRESH, copy_datastore, unread
from recovery.datastore.repository import parse_repository
from recovery.datastore.restic import open_restic
from recovery.datastore.snapshots import snapshots, whole_ident
from recovery.errors import CommandError, ServerError
from recovery.target import open_target

pytestmark = [
    pytest.mark.skipif(shutil.which("restic") is None, reason="no restic here; `make setup`"),
    pytest.mark.skipif(os.geteuid() != 0, reason="restic's cache lies in root's folder"),
]
PASSWORD = "only-for-this-test"
DEPLOYMENT = "ab" * 32


@pytest.fixture
def made(tmp_path):
    datastore = tmp_path / "ds"
    (datastore / "clients").mkdir(parents=True)
    (datastore / "temp").mkdir()
    (datastore / "clients" / "C.1.json.db").write_text("{}")
    (datastore / "temp" / "x").write_text("x")
    repository = parse_repository(str(tmp_path / "repository"))
    with open_restic(open_target("local://"), repository, {"RESTIC_PASSWORD": PASSWORD}) as restic:
        assert restic.make_if_absent()
        yield restic, datastore


def copied(made, point, lists):
    restic, datastore = made
    return copy_datastore(restic, str(datastore), DEPLOYMENT, point, lambda: lists)


def test_a_copy_holds_the_files_and_the_fresh_lists_and_leaves_nothing_behind(made, tmp_path):
    restic, datastore = made
    first = copied(made, "P1", {"client_info/snapshot.json": b"fresh"})
    assert (first.files, first.unread) == (2, ())
    assert not (datastore / FRESH).exists()
    held = snapshots(restic, DEPLOYMENT)
    assert [(one.point, one.folder) for one in held] == [("P1", str(datastore))]
    restic.run(["restore", held[0].ident, "--target", str(tmp_path / "out")])
    assert (tmp_path / "out" / "clients" / "C.1.json.db").read_text() == "{}"
    assert (tmp_path / "out" / FRESH / "client_info" / "snapshot.json").read_bytes() == b"fresh"
    assert not (tmp_path / "out" / "temp").exists()


def test_lists_that_could_not_be_made_end_the_copy_and_leave_nothing(made):
    restic, datastore = made

    def refused():
        raise ServerError("no list")

    with pytest.raises(ServerError, match="no list"):
        copy_datastore(restic, str(datastore), DEPLOYMENT, "P1", refused)
    assert snapshots(restic) == []
    assert not (datastore / FRESH).exists()
    assert restic.run(["list", "locks"]).text == ""
    assert copied(made, "P2", {}).files == 1


def test_lists_may_take_longer_than_restic_itself(made):
    """It waits for them: the copy has what was made late."""
    restic, datastore = made

    def late():
        time.sleep(3)
        (datastore / "clients" / "C.late.json.db").write_text("{}")
        return {"client_info/snapshot.json": b"late"}

    assert copy_datastore(restic, str(datastore), DEPLOYMENT, "P1", late).files == 3


def test_a_copy_into_a_repository_with_another_password_ends_in_words(made):
    restic, datastore = made
    environment = {"RESTIC_PASSWORD": "another-secret"}
    with (
        open_restic(restic.target, restic.repository, environment) as stranger,
        pytest.raises(CommandError) as refused,
    ):
        copy_datastore(stranger, str(datastore), DEPLOYMENT, "P1", dict)
    assert "RESTIC_PASSWORD_FILE holds another" in refused.value.hint
    assert not (datastore / FRESH).exists()


def test_the_second_copy_sends_only_what_is_new(made):
    _, datastore = made
    (datastore / "big").write_bytes(os.urandom(3_000_000))
    first = copied(made, "P1", {})
    (datastore / "clients" / "C.2.json.db").write_text("{}")
    second = copied(made, "P2", {})
    assert first.bytes_added > 3_000_000
    assert second.bytes_added < 100_000
    assert (first.files_new, second.files_new) == (2, 1)


def test_another_password_is_said_in_words_and_never_shown(made):
    restic, _ = made
    with (
        open_restic(
            restic.target, restic.repository, {"RESTIC_PASSWORD": "another-secret"}
        ) as stranger,
        pytest.raises(CommandError) as refused,
    ):
        stranger.exists()
    assert "RESTIC_PASSWORD_FILE holds another" in refused.value.hint
    assert "another-secret" not in str(refused.value)


def test_no_secret_is_in_any_argument(made, monkeypatch):
    restic, _ = made
    seen = []
    run = restic.target.run
    monkeypatch.setattr(
        restic.target, "run", lambda argv, **more: seen.append(argv) or run(argv, **more)
    )
    restic.run(["snapshots"])
    assert seen
    assert PASSWORD not in repr(seen)


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ("unable to open config file: Stat: Access Denied.", "AWS_ACCESS_KEY_ID"),
        ("config file: Stat: The request signature we calculated does not match", "AWS_SECRET"),
        ("unable to start the sftp session, error: EOF", "does an SSH server answer"),
        (
            "No ED25519 host key is known for x.\nunable to start the sftp session",
            "known_hosts=FILE",
        ),
        ("Host key verification failed.\nunable to start the sftp session", "known_hosts=FILE"),
        ("Fatal: unable to open config file: stat: no such file", "is the address right?"),
    ],
)
def test_what_restic_says_has_a_hint_that_fits(made, said, hint):
    restic, _ = made
    assert hint in restic.failure("snapshots", Result((), 1, b"", said.encode())).hint


def test_what_could_not_be_read_is_named_and_what_vanished_is_not():
    """As restic 0.14 and 0.17 say it, on standard error."""
    said = b"""{"message_type":"error","error":{"Op":"open","Path":"a","Err":13},"item":"/ds/a"}
{"message_type":"error","error":{"Op":"lstat","Path":"b","Err":2},"item":"/ds/b"}
{"message_type":"error","error":{"message":"open c: permission denied"},"item":"/ds/c"}
{"message_type":"error","error":{"message":"lstat d: no such file or directory"},"item":"/ds/d"}
Warning: at least one source file could not be read
"""
    assert unread(said) == ("/ds/a", "/ds/c")


def test_a_snapshots_whole_id_is_found_by_its_beginning(made):
    restic, _ = made
    first = copied(made, "P1", {})
    assert whole_ident(restic, first.snapshot) == snapshots(restic)[0].ident
    assert whole_ident(restic, "f" * 8) == ""
