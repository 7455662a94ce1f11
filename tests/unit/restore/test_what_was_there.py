"""A machine that isn't new: what it had is named."""

import os
import subprocess

from recovery.restore import what_was_there as module
from recovery.restore.what_was_there import existing


def look(*folders) -> list[str]:
    done = subprocess.run(
        ["sh", "-c", module._SCRIPT, "look", *map(str, folders)], capture_output=True, check=True
    )
    return done.stdout.decode().split("\0")


def test_empty_folders_are_nothing(tmp_path):
    (tmp_path / "users").mkdir()
    (tmp_path / "lost+found").mkdir()
    assert look(tmp_path) == [""]
    assert look(tmp_path / "none") == [""]


def test_files_users_and_the_newest_time_are_told(tmp_path):
    (tmp_path / "users" / "gui").mkdir(parents=True)
    for name in ("users/ann.db", "users/bob.db", "users/gui/ann.json.db", "x"):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (0, 0))
    os.utime(tmp_path / "x", (86400 * 365, 86400 * 365))
    where, files, users, newest, _ = look(tmp_path)
    assert (where, files, users, newest[:10]) == (str(tmp_path), "4", "2", "1971-01-01")
    said = existing("/ds", 4, 2, newest)
    assert "4 files, the newest of 1971-01-01" in said
    assert "2 user records" in said
    assert "user records" not in existing("/ds", 1, 0, newest)


def test_every_folder_is_looked_at_by_itself(tmp_path):
    records, files = tmp_path / "records", tmp_path / "a file store"
    for path in (records / "users" / "ann.db", files / "clients" / "r.json", files / "x"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    said = look(records, tmp_path / "none", files)
    assert said[0:3] == [str(records), "1", "1"]
    assert said[4:7] == [str(files), "2", "0"]
    assert look(files)[0] == str(files)
