import json
import zipfile
from pathlib import Path

import pytest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "b.zip").write_bytes(b"")
    (tmp_path / "a.zip").write_bytes(b"1")
    (tmp_path / "c.txt").write_text('{"a": 1}\nnot json\n{"a": 2}\n')
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "d.zip").write_bytes(b"22")
    with zipfile.ZipFile(tmp_path / "backup.zip", "w") as archive:
        archive.writestr("orgs/root/acls.json", json.dumps({"Principal": {"name": "bob"}}) + "\n")
        archive.writestr("orgs/root/artifacts/X.yaml", "name: X\n")
    return tmp_path


def test_glob_lists_by_name(ask, folder: Path) -> None:
    rows, logs = ask(
        'SELECT OSPath.Basename AS b, Size FROM glob(globs="*.zip", root=D)', D=str(folder)
    )
    assert [row["b"] for row in rows] == ["a.zip", "b.zip", "backup.zip"]
    assert [row["Size"] for row in rows][:2] == [1, 0]
    assert logs == []


def test_glob_goes_down_folders(ask, folder: Path) -> None:
    rows, _ = ask('SELECT OSPath FROM glob(globs="**/*.zip", root=D)', D=str(folder))
    assert f"{folder}/deep/er/d.zip" in [row["OSPath"] for row in rows]


def test_glob_of_a_folder_that_is_missing_finds_nothing(ask) -> None:
    rows, logs = ask('SELECT OSPath FROM glob(globs="*", root="/no/such")')
    assert rows == []
    assert logs == []


def test_parse_jsonl_passes_over_what_is_no_object(ask, folder: Path) -> None:
    rows, _ = ask("SELECT * FROM parse_jsonl(filename=F)", F=str(folder / "c.txt"))
    assert rows == [{"a": 1}, {"a": 2}]


INSIDE = 'pathspec(DelegatePath=Z, DelegateAccessor="auto", Path="{}")'


def test_a_backup_is_read_in_place(ask, folder: Path) -> None:
    env = {"Z": str(folder / "backup.zip")}
    path = INSIDE.format("/orgs/root/acls.json")
    rows, _ = ask(f'SELECT * FROM parse_jsonl(filename={path}, accessor="zip")', **env)
    assert rows == [{"Principal": {"name": "bob"}}]
    path = INSIDE.format("/orgs/root/artifacts/X.yaml")
    rows, _ = ask(f'SELECT read_file(filename={path}, accessor="zip") AS t FROM scope()', **env)
    assert rows == [{"t": "name: X\n"}]


def test_a_member_that_is_missing_is_named(ask, folder: Path) -> None:
    path = INSIDE.format("/nothing.json")
    env = {"Z": str(folder / "backup.zip")}
    rows, logs = ask(f'SELECT * FROM parse_jsonl(filename={path}, accessor="zip")', **env)
    assert rows == []
    path = f'{{"DelegatePath":"{folder}/backup.zip","Path":"/nothing.json"}}'
    assert logs == [f"Unable to open file {path}: Zip: NotFoundError: {path}."]


def test_what_is_no_zip_is_said_so(ask, folder: Path) -> None:
    path = INSIDE.format("/x")
    query = f'SELECT * FROM parse_jsonl(filename={path}, accessor="zip")'
    path = f'{{"DelegatePath":"{folder}/a.zip","Path":"/x"}}'
    assert ask(query, Z=str(folder / "a.zip"))[1] == [
        f"Unable to open file {path}: zip: not a valid zip file"
    ]


def test_copy_says_what_it_copies(ask, folder: Path) -> None:
    source, target = folder / "a.zip", folder / "copy.zip"
    rows, logs = ask(
        'SELECT copy(filename=S, accessor="file", dest=T) AS c FROM scope()',
        S=str(source),
        T=str(target),
    )
    assert rows == [{"c": str(target)}]
    assert logs == [f"copy: Copying file from {source} into {target}"]
    assert target.read_bytes() == b"1"


def test_copy_of_what_is_missing_gives_null_and_no_file(ask, folder: Path) -> None:
    target = folder / "copy.zip"
    rows, logs = ask('SELECT copy(filename="/no/such", dest=T) AS c FROM scope()', T=str(target))
    assert rows == [{"c": None}]
    assert logs == ["copy: Failed to open /no/such: lstat /no: no such file or directory"]
    assert not target.exists()
