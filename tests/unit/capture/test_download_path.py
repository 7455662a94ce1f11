import pytest

from recovery.capture.download_path import disk_path, escape


def test_a_real_export_path():
    returned = "fs:/downloads/C.1/F.2.H/vm-C.1-F.2.H.zip"
    assert disk_path(returned) == "downloads/C.1/F.2.H/vm-C.1-F.2.H.zip"


@pytest.mark.parametrize(
    ("name", "on_disk"),
    [
        ("a:b.zip", "a%3Ab.zip"),
        ("ü.zip", "%C3%BC.zip"),
        (".hidden", "%2Ehidden"),
        ("#hash", "%23hash"),
        ("50%.zip", "50%25.zip"),
    ],
)
def test_odd_characters(name, on_disk):
    assert escape(name) == on_disk
