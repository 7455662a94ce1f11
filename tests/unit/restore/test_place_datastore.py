"""What of a complete copy is asked for, and where it is looked for."""

import pytest

from recovery.errors import BadInputError
from recovery.restore.place_datastore import pattern_of, repository_of
from recovery.vault.manifest import DatastoreCopy


def test_a_pattern_means_one_file_whatever_signs_are_in_its_name():
    assert pattern_of("clients/C.1/task.json.db") == "/clients/C.1/task.json.db"
    assert pattern_of(r"a*b/[c]?\d.json.db") == r"/a\*b/\[c]\?\\d.json.db"


def test_a_point_names_no_files_of_this_machine_an_operator_may(tmp_path):
    key = tmp_path / "key"
    key.touch()
    with_key = f"sftp://copies@storage/srv/velo?identity={key}"
    wants = DatastoreCopy(repository=with_key, snapshot="0" * 64)
    plain = DatastoreCopy(repository="/srv/copies", snapshot="0" * 64)
    with pytest.raises(BadInputError, match="wants files of this machine"):
        repository_of("", wants)
    assert repository_of(with_key, wants).files
    assert repository_of("", plain).is_folder
    assert repository_of("/srv/others", plain).name == "/srv/others"
