import struct
import zipfile

from hypothesis import given
from hypothesis import strategies as st

from server_app.datastore import chunks, tables

ROWS = [{"a": 1}, {"b": "<tag> & ü"}, {"c": None}]


def test_indexes_in_a_real_backup_are_reproduced(recorded):
    with zipfile.ZipFile(recorded / "backup_root_before_disaster.zip") as archive:
        compared = 0
        for member in archive.namelist():
            if member.endswith(".json") and member + ".index" in archive.namelist():
                lines = archive.read(member).splitlines(keepends=True)
                found = archive.read(member + ".index")
                assert tables.zip_index(lines) == found
                compared += 1
    assert compared >= 10


def test_rows_come_back_in_order(tmp_path):
    path = tmp_path / "t.json"
    assert tables.append(path, ROWS[:1]) == 1
    assert tables.append(path, ROWS[1:]) == 2
    assert list(tables.read(path)) == ROWS
    assert tables.count(path) == 3


def test_compressed_pieces_and_their_places(tmp_path):
    path = tmp_path / "t.json"
    tables.append_compressed(path, ROWS[:2])
    tables.append_compressed(path, ROWS[2:])
    assert list(tables.read(path)) == ROWS
    plain = sum(len(tables.line(row)) for row in ROWS[:2])
    numbers = [n for (n,) in struct.iter_unpack("<Q", (tmp_path / "t.json.index").read_bytes())]
    assert numbers == [0, 1 << 40, plain]
    assert [chunk.offset for chunk in chunks.read_index(path)] == [0, plain]


def test_replacing_removes_the_pieces_table(tmp_path):
    path = tmp_path / "t.json"
    tables.append_compressed(path, ROWS)
    tables.replace(path, ROWS[:1])
    assert list(tables.read(path)) == ROWS[:1]
    assert not chunks.index_path(path).exists()


def test_damaged_lines_are_passed_over(tmp_path):
    path = tmp_path / "t.json"
    path.write_bytes(b'{"a":1}\n{"b":\nnull\n{"c":3}\n')
    assert list(tables.read(path)) == [{"a": 1}, {"c": 3}]


@given(st.lists(st.dictionaries(st.text(max_size=5), st.integers()), max_size=6))
def test_any_rows_survive(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("t") / "t.json"
    tables.append(path, rows)
    assert list(tables.read(path)) == rows
