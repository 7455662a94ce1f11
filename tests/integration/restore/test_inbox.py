"""What is sent lies in its lane's folder, for the server to read; a failure spoils no other."""

import io
import tarfile

import pytest

from recovery.errors import CommandError
from recovery.restore import inbox as module
from recovery.restore.inbox import IN_MEMORY, INBOX, Inbox
from recovery.target import open_target
from recovery.velociraptor.config import OWNER
from tests.integration.target.machines import machine as new_machine

pytestmark = [pytest.mark.docker, pytest.mark.slow]


@pytest.fixture(scope="module")
def host():
    with new_machine("test-inbox") as found:
        yield found


@pytest.fixture
def target(host):
    opened = open_target(host.uri)
    opened.run(["sh", "-c", f"id {OWNER} || useradd --system {OWNER}"])
    yield opened
    opened.run(["rm", "-rf", INBOX, IN_MEMORY])
    opened.close()


@pytest.fixture(params=["memory", "no room in memory"])
def inbox(request, target, monkeypatch):
    if request.param != "memory":
        monkeypatch.setattr(module, "_ROOM", 1 << 40)
    opened = Inbox(target)
    yield opened
    opened.close()


def bundle(folder, files):
    path = folder / "sent.tar"
    with tarfile.open(path, "w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode, entry.uname, entry.gname = len(content), 0o640, "root", OWNER
            tar.addfile(entry, io.BytesIO(content))
    return path


def look(target, words):
    return target.run(["sh", "-c", words]).text.split()


def test_batches_come_by_one_stream_each_into_its_lane(target, inbox, tmp_path):
    large = b"z" * 3_000_000
    first = inbox.send(0, bundle(tmp_path, {"0.zip": b"one", "1.zip": large}))
    third = inbox.send(2, bundle(tmp_path, {"0.zip": b"two"}))
    root = INBOX if module._ROOM == 1 << 40 else IN_MEMORY
    assert (first, third) == (f"{root}/0", f"{root}/2")
    assert target.get(f"{first}/1.zip") == large
    assert target.get(f"{third}/0.zip") == b"two"
    modes = look(target, f"stat -c '%a %U %G' {root} {third} {third}/0.zip")
    assert modes == ["750", "root", OWNER, "750", "root", OWNER, "640", "root", OWNER]
    number = look(target, f"stat -c %i {first}/0.zip")
    inbox.send(0, bundle(tmp_path, {"0.zip": b"new"}))
    assert target.get(f"{first}/0.zip") == b"new"
    # The small one was written over, the large one is gone: what stays is bounded.
    assert look(target, f"stat -c %i {first}/0.zip; ls {first}") == [*number, "0.zip"]


def test_a_large_batch_waits_on_the_disk(target, tmp_path):
    inbox = Inbox(target)
    assert inbox.send(0, bundle(tmp_path, {"0.zip": b"z" * (33 << 20)})) == f"{INBOX}/0"
    assert inbox.send(0, bundle(tmp_path, {"0.zip": b"z"})) == f"{IN_MEMORY}/0"
    inbox.close()


def test_a_batch_that_fails_is_told_and_the_next_one_arrives(target, inbox, tmp_path):
    broken = tmp_path / "broken.tar"
    broken.write_bytes(b"0 12\n" * 20_000)  # longer than a pipe, and like the stream's own lines
    with pytest.raises(CommandError, match="could not be put there: tar: "):
        inbox.send(1, broken)
    there = inbox.send(1, bundle(tmp_path, {"0.zip": b"whole"}))
    assert target.get(f"{there}/0.zip") == b"whole"


def test_a_stream_that_was_ended_is_begun_anew(target, inbox, tmp_path):
    inbox.send(0, bundle(tmp_path, {"0.zip": b"one"}))
    inbox.close()
    there = inbox.send(0, bundle(tmp_path, {"0.zip": b"two"}))
    assert target.get(f"{there}/0.zip") == b"two"
