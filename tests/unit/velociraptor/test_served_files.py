"""Files that a server hands out to endpoints: their paths, and what they are known by."""

import hashlib

import pytest

from recovery.capture.take_served import tool_wrong
from recovery.commands import Result
from recovery.errors import ServerError
from recovery.velociraptor.inventory_entries import tools
from recovery.velociraptor.served_files import is_served, parse_digests, served_entries

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
