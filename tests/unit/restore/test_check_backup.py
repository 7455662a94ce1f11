"""A backup that can't be understood is let go of at once, whoever keeps the error."""

from pathlib import Path

import pytest

from recovery.errors import BadInputError
from recovery.restore.check_backup import check_rows
from tests.unit.restore.points import BACKUP, unzipped, zip_of


@pytest.mark.parametrize("part", ["hunts", "client_info", "notebooks", "custom_artifacts"])
def test_its_file_is_closed_while_the_error_is_told(tmp_path, part):
    path = tmp_path / "backup.zip"
    path.write_bytes(zip_of({**unzipped(BACKUP), f"orgs/root/{part}.json": b"1\n" * 99_999}))
    with pytest.raises(BadInputError, match="can't be understood") as refused:
        check_rows(path, "backup")
    opened = [str(one.readlink()) for one in Path("/proc/self/fd").iterdir() if one.is_symlink()]
    assert refused.value.__cause__
    assert str(path) not in opened
