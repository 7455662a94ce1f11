import pytest

from recovery.capture.read_files import read_files
from recovery.errors import RecoveryError
from recovery.target import open_target

LOCAL = open_target("local://")


def read(folder, paths):
    with read_files(LOCAL, str(folder), paths) as files:
        return {file.path: file.content.read() for file in files}


def test_odd_names_come_in_the_order_asked_for(tmp_path):
    names = ["-rf", "a b", "line\nbreak", "sub%2Fdir.zip", "ü.json", "*"]
    for name in names:
        (tmp_path / name).write_text(name)
    got = read(tmp_path, names)
    assert list(got) == names
    assert got == {name: name.encode() for name in names}


def test_a_file_that_is_gone_is_left_out(tmp_path):
    (tmp_path / "here").write_text("1")
    assert read(tmp_path, ["gone", "here", "gone too"]) == {"here": b"1"}


def test_nothing_asked_nothing_run(tmp_path):
    assert read(tmp_path / "no such folder", []) == {}


def test_a_missing_folder_is_an_error(tmp_path):
    with pytest.raises(RecoveryError):
        read(tmp_path / "no such folder", ["a"])


def test_a_reader_that_stops_half_way_ends_the_stream(tmp_path):
    for number in range(20):
        (tmp_path / str(number)).write_bytes(bytes(1 << 20))
    names = [str(number) for number in range(20)]

    def stop_half_way():
        with read_files(LOCAL, str(tmp_path), names) as files:
            next(files)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        stop_half_way()
