"""Files that a server hands out to endpoints: their paths, and what they are known by."""

import hashlib
import os
import subprocess
import time

import pytest

from recovery.capture.take_served import tool_wrong
from recovery.commands import Result
from recovery.errors import ServerError
from recovery.velociraptor import served_files
from recovery.velociraptor.inventory_entries import tools
from recovery.velociraptor.served_files import (
    is_served,
    list_served,
    parse_digests,
    parse_list,
    served_entries,
)

HASH = hashlib.sha256(b"tool").hexdigest()
# A row as inventory() of a real server gave it.
ROW = {
    "name": "MyTool",
    "url": "",
    "serve_locally": True,
    "admin_override": True,
    "version": "1.2",
    "artifact": "",
    "filestore_path": "34f9",
    "serve_url": "https://localhost:39439/public/34f9",
    "filename": "tool.exe",
    "hash": HASH,
}


@pytest.mark.parametrize("path", ["public/a1b2", "public/temp/ff/my file.exe", "public/..a"])
def test_paths_of_files_for_endpoints(path):
    assert is_served(path)


@pytest.mark.parametrize(
    "path",
    [
        "public",
        "public/",
        "public//x",
        "public/../x",
        "public/x/..",
        "public/./x",
        "/public/x",
        "users/x.db",
        "public/a\nb",
        "public/a\\b",
        "orgs/O/public/x",
        "public/x/",
    ],
)
def test_paths_of_anything_else(path):
    assert not is_served(path)


def test_digests_by_path_odd_names_too():
    said = f"{HASH}  public/34f9\0{'0' * 64}  public/temp/ff/a\nb \xff\0".encode("latin-1")
    assert parse_digests(said) == {"34f9": HASH[:16], "temp/ff/a\nb \\xff": "0" * 16}
    assert parse_digests(b"") == {}


class Here:
    """This machine, and what was asked of it."""

    uri = "local://"

    def __init__(self):
        self.read = []

    def run(self, argv, *, stdin=b"", check=True, timeout=0):
        if argv[2] == served_files._HASHES:
            self.read = [name.decode("latin-1") for name in stdin.split(b"\0") if name]
        done = subprocess.run(argv, input=stdin, capture_output=True, check=check)
        return Result(argv, done.returncode, done.stdout, done.stderr)


def test_a_file_that_was_changed_just_now_has_no_stamp():
    listed = b"1000\n" + b"".join(
        b"4 900.5 %s fe01:%d public/%s\0" % (ctime, inode, name)
        for ctime, inode, name in [
            (b"998.1", 7, b"fresh"),
            (b"997.9", 8, b"a"),
            (b"997.9", 9, b"b"),
        ]
    )
    fresh, one, other = parse_list(listed)
    assert (fresh.path, fresh.size, fresh.changed, fresh.stamp) == ("public/fresh", 4, 900.5, "")
    assert one.stamp
    assert one.stamp != other.stamp


def test_only_what_is_not_known_by_its_stamp_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(served_files, "_SETTLED", 0)
    folder = tmp_path / "public" / "temp"
    folder.mkdir(parents=True)
    for name in (b"a b", b"\xff\n", b"same"):
        (folder / os.fsdecode(name)).write_bytes(b"tool")
    time.sleep(1.1)  # a file changed just now has no stamp
    first = {file.path: file for file in list_served(Here(), str(tmp_path))}
    assert len({file.stamp for file in first.values()}) == 3
    stamps = {file.stamp: hashlib.sha256(b"tool").hexdigest() for file in first.values()}
    times = (folder / "same").stat()
    (folder / "same").write_bytes(b"evil")
    os.utime(folder / "same", ns=(times.st_atime_ns, times.st_mtime_ns))
    (folder / "new").write_bytes(b"more")
    here = Here()
    found = served_entries(here, str(tmp_path), lambda file: stamps.get(file.stamp))
    assert sorted(here.read) == ["public/temp/new", "public/temp/same"]
    assert found == {
        "temp/a b": HASH[:16],
        "temp/\\xff\n": HASH[:16],
        "temp/same": hashlib.sha256(b"evil").hexdigest()[:16],
        "temp/new": hashlib.sha256(b"more").hexdigest()[:16],
    }
    assert found == served_entries(Here(), str(tmp_path))


def test_a_server_without_the_folder_hands_nothing_out(tmp_path):
    assert served_entries(Here(), str(tmp_path)) == {}


class Unreadable:
    uri = "docker://x"
    asked = 0

    def run(self, argv, **_):
        self.asked += 1
        return Result(argv, 123, b"", b"sha256sum: public/x: Input/output error")


def test_what_can_not_be_read_is_never_taken_for_missing():
    target = Unreadable()
    with pytest.raises(ServerError, match="Input/output error"):
        served_entries(target, "/ds")
    assert target.asked == 3


def test_a_tool_is_known_by_where_it_comes_from_and_its_hash():
    (known,) = tools([ROW]).items()
    assert known[0] == "MyTool 1.2"
    elsewhere = {"serve_url": "https://other/public/34f9", "artifact": "Custom.X"}
    assert tools([ROW | elsewhere]) == dict([known])
    assert tools([ROW | {"hash": "0" * 64}]) != dict([known])
    assert list(tools([ROW | {"version": ""}])) == ["MyTool"]


def test_a_tool_whose_file_is_missing_or_another_is_named():
    assert tool_wrong(ROW, HASH) == ""
    assert tool_wrong(ROW, None) == (
        "tool MyTool 1.2: the server hands it out, but has no file of it"
    )
    assert "not the one" in tool_wrong(ROW, "0" * 64)
