"""A zip that could be read in two ways is told from one that is only large, or has a comment."""

import io
import struct
import zipfile

import pytest

from recovery.velociraptor.one_directory import has_two_lists
from recovery.velociraptor.refuse_zip import refusal
from tests.unit.velociraptor.two_lists import by_comment, by_prefix, by_zip64, zip_of

SHOWN, HIDDEN = {"shown": "good"}, {"hidden": "evil"}
FAR = 0xFFFFFFFF


def opened(raw):
    return zipfile.ZipFile(io.BytesIO(raw))


@pytest.mark.parametrize("made", [by_zip64, by_comment, by_prefix])
def test_of_two_lists_it_is_told(made):
    with opened(made(SHOWN, HIDDEN)) as archive:
        assert archive.namelist() == ["shown"]
        assert archive.testzip() is None
        assert "contradicts itself" in refusal(archive)


def zip64(number=0xFFFF, size=FAR, at=FAR, *, locator=0, members=0):
    """One list, with a ZIP64 record; what the plain record says, and what the others say wrong."""
    raw = zip_of(SHOWN)
    count, length, start = struct.unpack("<HII", raw[-12:-2])
    end = len(raw) - 22
    record = (count + members, count + members, length, start)
    far = struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, *record)
    far += struct.pack("<4sIQI", b"PK\6\7", 0, end + locator, 1)
    fields = (count if number is None else number, length if size is None else size)
    plain = (*fields, start if at is None else at)
    return raw[:end] + far + struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, plain[0], *plain, 0)


@pytest.mark.parametrize(
    ("raw", "two"),
    [
        (zip_of(SHOWN), False),
        (zip_of(SHOWN) + b"\n", False),
        (zip_of(SHOWN)[:-14] + b"PK\5\6" + zip_of(SHOWN)[-10:], True),  # a number that looks so
        (zip64(), False),
        (zip64(number=None), False),
        (zip64(None, None, None), False),
        (zip64(None, FAR, None), True),
        (zip64(0xFFFF, None, 7), True),
        (zip64(7, None, None), True),
        (zip64(locator=1), True),
        (zip64(members=1), True),
    ],
)
def test_large_ones_have_a_record_more_and_one_list(raw, two):
    with opened(raw) as archive:
        assert archive.namelist() == ["shown"]
        assert has_two_lists(archive) is two


def test_a_comment_alone_is_none():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("shown", "x")
        archive.comment = b"made by hand"
    with opened(out.getvalue()) as archive:
        assert has_two_lists(archive) is False
