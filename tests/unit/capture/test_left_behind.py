"""Backups that a killed capture left on the server."""

from datetime import UTC, datetime

from recovery.capture.datastore_files import StoredFile
from recovery.capture.take_backups import left_behind

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


def test_only_our_own_of_hours_ago_are_taken_away():
    kept = [
        "backups/backup_2026-11-23T06_52_43Z.zip",
        "backups/recovery-20261129T060001Z-0a1b2c.zip",  # may be under way
        "backups/recovery-20270101T000000Z-0a1b2c.zip",
        "backups/recovery-mine.zip",
        "backups/recovery-20261128T000000Z.zip",
        "backups/old-recovery-20261128T000000Z-0a1b2c.zip",
        "backups/recovery-20261128T000000Z-0a1b2c.zip.txt",
    ]
    left = [
        "backups/recovery-20261129T055959Z-0a1b2c.zip",
        "orgs/OACME/backups/recovery-20251129T120000Z-ffffff.zip",
    ]
    files = [StoredFile(path, 1, 0.0) for path in [*kept, *left]]
    assert left_behind(files, NOW) == left
