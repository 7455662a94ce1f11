import pytest
from hypothesis import given
from hypothesis import strategies as st

from server_app.datastore import names


@pytest.mark.parametrize(
    ("name", "on_disk"),
    [
        ("C.cad7afe0171b436e", "C.cad7afe0171b436e"),
        ("AWS S3 Creds", "AWS S3 Creds"),
        ("sub/dir", "sub%2Fdir"),
        (".hidden", "%2Ehidden"),
        ("#1", "%231"),
        ("end.", "end%2E"),
        ("a.db", "a.db_"),
    ],
)
def test_names_on_disk_are_those_of_a_real_server(name, on_disk):
    assert names.encode(name) == on_disk
    assert names.decode(on_disk) == name


@given(st.text(min_size=1, max_size=40))
def test_every_name_comes_back(name):
    on_disk = names.encode(name)
    assert "/" not in on_disk
    assert not on_disk.startswith(".")
    assert names.decode(on_disk) == name


def test_a_very_long_name_becomes_its_hash():
    assert len(names.encode("x" * 300)) == 41
