import io
import struct
import zipfile
from pathlib import Path

import pytest

from recovery.capture.check_zip import DamagedZipError, check_zip

REAL = Path(__file__).parents[2] / "fixtures" / "velociraptor-0.77.2"


def check(name, needs=()):
    with (REAL / name).open("rb") as file:
        return check_zip(file, needs=needs)


@pytest.mark.parametrize(
    ("name", "rows", "upload_bytes"),
    [
        ("flow_custom_artifact.zip", 1, 0),
        ("flow_from_hunt.zip", 1, 0),
        ("flow_with_upload.zip", 1, 4082),
        ("hunt_H.DC1TTKB0VNFA8.zip", 1, 0),
        ("backup_root_before_disaster.zip", 0, 0),
    ],
)
def test_real_zips_are_whole_and_counted(name, rows, upload_bytes):
    content = check(name)
    assert (content.rows, content.upload_bytes) == (rows, upload_bytes)


def test_uploads_are_compared_with_the_zips_own_list():
    assert check("flow_with_upload.zip").listed_bytes == 4082
    file = io.BytesIO()
    row = '{"_Components":["uploads","file","a"],"uploaded_size":%d,"Type":"%s"}\n'
    with zipfile.ZipFile(file, "w") as archive:
        # Uploaded twice under one name, and the index of a sparse file: one file of 9 bytes.
        lines = row % (5, "") + row % (9, "") + row % (77, "idx")
        archive.writestr("host-C.1/uploads.json", lines)
        archive.writestr("host-C.1/uploads/file/a", "12345")
    content = check_zip(file)
    assert (content.upload_bytes, content.listed_bytes) == (5, 9)


def test_a_damaged_list_of_uploads_is_named():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("uploads.json", "{half")
    with pytest.raises(DamagedZipError, match=r"damaged at uploads\.json"):
        check_zip(file)


def test_a_damaged_member_is_named():
    with pytest.raises(DamagedZipError, match=r"damaged at orgs/root/hunts\.json"):
        check("backup_damaged_member_hunts.zip")


def test_a_truncated_zip_is_refused():
    with pytest.raises(DamagedZipError, match="not a whole zip"):
        check("backup_truncated.zip")


def test_the_empty_file_of_a_full_disk_is_refused():
    with pytest.raises(DamagedZipError, match="not a whole zip"):
        check_zip(io.BytesIO())


def test_a_zip_without_members_is_refused():
    file = io.BytesIO()
    zipfile.ZipFile(file, "w").close()
    with pytest.raises(DamagedZipError, match="empty"):
        check_zip(file)


def test_a_missing_member_is_named():
    with pytest.raises(DamagedZipError, match=r"lacks orgs/root/acls\.json"):
        check("backup_org_OACME_only.zip", needs=["orgs/root/acls.json"])


@pytest.mark.parametrize("place", range(0, 2493, 97))
def test_no_flipped_byte_of_a_members_content_passes(place):
    whole = (REAL / "flow_custom_artifact.zip").read_bytes()
    broken = bytearray(whole)
    broken[place] ^= 0xFF
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        spans = []
        for info in archive.infolist():
            name, extra = struct.unpack_from("<HH", whole, info.header_offset + 26)
            start = info.header_offset + 30 + name + extra
            spans.append(range(start, start + info.compress_size))
    if not any(place in span for span in spans):
        return  # between members: nothing that an import reads
    with pytest.raises(DamagedZipError):
        check_zip(io.BytesIO(bytes(broken)))
