"""What is sent lies in its lane's folder, for the server to read; a failure spoils no other."""

import io
import tarfile

import pytest

from recovery.errors import CommandError
from recovery.restore.inbox import INBOX, Inbox
from recovery.target import open_target
from recovery.velociraptor.config import OWNER
from tests.integration.target.machines import machine as new_machine

pytestmark = [pytest.mark.docker, pytest.mark.slow]


@pytest.fixture(scope="module")
def host():
    with new_machine("test-inbox") as found:
        yield found


def bundle(folder, files):
    path = folder / "sent.tar"
    with tarfile.open(path, "w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode, entry.uname, entry.gname = len(content), 0o640, "root", OWNER
            tar.addfile(entry, io.BytesIO(content))
    return path


@pytest.fixture
def target(host):
    opened = open_target(host.uri)
    opened.run(
        ["sh", "-c", f"id {OWNER} || useradd --system {OWNER}; mkdir -p {INBOX.rpartition('/')[0]}"]
    )
    yield opened
    opened.run(["rm", "-rf", INBOX])
    opened.close()


def look(target, *words):
    return target.run(["sh", "-c", *words]).text.split()


def test_batches_come_by_one_stream_each_into_its_lane(target, tmp_path):
    inbox = Inbox(target)
    large = b"z" * 3_000_000
    assert inbox.send(0, bundle(tmp_path, {"0.zip": b"one", "1.zip": large})) == f"{INBOX}/0"
    assert inbox.send(2, bundle(tmp_path, {"0.zip": b"two"})) == f"{INBOX}/2"
    assert target.get(f"{INBOX}/0/1.zip") == large
    assert target.get(f"{INBOX}/2/0.zip") == b"two"
    assert look(target, f"stat -c '%a %U %G' {INBOX}/2 {INBOX}/2/0.zip") == [
        "750", "root", OWNER, "640", "root", OWNER,
    ]  # fmt: skip
    number = look(target, f"stat -c %i {INBOX}/0/0.zip")
    inbox.send(0, bundle(tmp_path, {"0.zip": b"new"}))
    assert target.get(f"{INBOX}/0/0.zip") == b"new"
    # The small one was written over, the large one is gone: what stays is bounded.
    assert look(target, f"stat -c %i {INBOX}/0/0.zip; ls {INBOX}/0") == [*number, "0.zip"]
    inbox.close()


def test_a_batch_that_fails_is_told_and_the_next_one_arrives(target, tmp_path):
    inbox = Inbox(target)
    broken = tmp_path / "broken.tar"
    broken.write_bytes(b"0 12\n" * 20_000)  # longer than a pipe, and like the stream's own lines
    with pytest.raises(CommandError, match="could not be put there: tar: "):
        inbox.send(1, broken)
    inbox.send(1, bundle(tmp_path, {"0.zip": b"whole"}))
    assert target.get(f"{INBOX}/1/0.zip") == b"whole"
    inbox.close()


def test_a_stream_that_was_ended_is_begun_anew(target, tmp_path):
    inbox = Inbox(target)
    inbox.send(0, bundle(tmp_path, {"0.zip": b"one"}))
    inbox.close()
    inbox.send(0, bundle(tmp_path, {"0.zip": b"two"}))
    assert target.get(f"{INBOX}/0/0.zip") == b"two"
    inbox.close()
