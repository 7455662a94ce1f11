"""Rows out of a zip that anybody may have made: a little zip takes no more memory than a little."""

import io
import json
import tracemalloc
import zipfile

import pytest

from recovery.capture.adopt_files import sort_files
from recovery.errors import BadInputError
from recovery.restore.check_backup import check_rows
from recovery.velociraptor.backup_file import rewrite_hunts
from recovery.velociraptor.json_rows import rows_of

MB = 1 << 20
LISTS = b'{"hunt_id": "H.A", "x": [' + b"[]," * (6 * MB) + b"[]]}\n"
"""18 MB that would take 400 once they are read."""
SPACES = b'{"hunt_id": "H.A", "x": 1}'.ljust(MB) + b"\n"


def zipped(path, member, *parts):
    """A backup whose one member is made of these, one after the other."""
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open(f"orgs/root/{member}", "w", force_zip64=True) as out,
    ):
        for part in parts:
            out.write(part)
    return path


def peak(do, *given):
    """Bytes that it takes at most."""
    tracemalloc.start()
    try:
        do(*given)
    finally:
        taken = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert taken < 3 * 64 * MB, taken


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ([LISTS], "hunts.json can't be understood: it is too large: more than 10,000,000 values"),
        ([SPACES] * 257, "it is too large: 257 MB, 256 are read"),
        ([bytes(65 * MB)], "a row of it is too large: more than 64 MB"),
    ],
    ids=["lists", "many rows", "one row"],
)
def test_a_bomb_in_a_backup_is_refused_before_it_is_in_memory(tmp_path, parts, said):
    bomb = zipped(tmp_path / "backup.zip", "hunts.json", *parts)
    with pytest.raises(BadInputError, match=said):
        peak(check_rows, bomb, "backup")


def test_one_among_old_files_is_left_out(tmp_path):
    zipped(tmp_path / "old.zip", "hunts.json", LISTS)
    found = sort_files(tmp_path)
    assert found.backups == []
    assert "too large: more than 10,000,000 values" in found.left["old.zip"]


def test_a_fleets_list_is_read_row_by_row(tmp_path):
    """A hundred thousand clients."""
    row = json.dumps({"client_id": "C.1234567890abcdef", "labels": ["a"], "ping": 1}).encode()
    block = (row.ljust(300) + b"\n") * 5000
    backup = zipped(tmp_path / "backup.zip", "client_info.json", *[block] * 20)
    assert backup.stat().st_size < 2 * MB
    with zipfile.ZipFile(backup) as archive:
        rows = rows_of(archive, "orgs/root/client_info.json")
        tracemalloc.start()
        number = sum(1 for _ in zip(range(2000), rows, strict=False))
        assert (number, tracemalloc.get_traced_memory()[1] < 2 * MB) == (2000, True)
        tracemalloc.stop()
        assert number + sum(1 for _ in rows) >= 99_999


def test_a_backup_is_made_fit_without_being_read_whole(tmp_path):
    large = zipped(tmp_path / "backup.zip", "notebooks.json", *[bytes(MB)] * 100)
    into = tmp_path / "fit.zip"
    peak(rewrite_hunts, large, into, lambda _org, hunt: hunt)
    with zipfile.ZipFile(large) as before, zipfile.ZipFile(into) as after:
        (was,), (now,) = (
            before.infolist(),
            [item for item in after.infolist() if item.filename.endswith("notebooks.json")],
        )
        assert (was.CRC, was.file_size) == (now.CRC, now.file_size)


def test_what_is_not_there_has_no_rows():
    with zipfile.ZipFile(io.BytesIO(), "w") as archive:
        assert list(rows_of(archive, "orgs/root/acls.json")) == []
