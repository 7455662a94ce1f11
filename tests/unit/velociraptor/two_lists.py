"""Zips with two lists of members: Python's ``zipfile`` finds one, a server's reader the other."""

import io
import struct
import zipfile

_ENTRY, _OFFSET = 46, 42
_END = "<4s4H2IH"


def zip_of(members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def _parts(members, base=0):
    """The members' bytes, their list with each ``base`` further on, and their number."""
    raw = zip_of(members)
    number, size, at = struct.unpack("<HII", raw[-12:-2])
    listed = bytearray(raw[at : at + size])
    place = 0
    while place < size:
        lengths = struct.unpack_from("<3H", listed, place + 28)
        (offset,) = struct.unpack_from("<I", listed, place + _OFFSET)
        struct.pack_into("<I", listed, place + _OFFSET, offset + base)
        place += _ENTRY + sum(lengths)
    return raw[:at], bytes(listed), number


def _end(number, size, at, comment=b"", length=None):
    said = len(comment) if length is None else length
    return struct.pack(_END, b"PK\5\6", 0, 0, number, number, size, at, said) + comment


def by_zip64(shown, hidden):
    """A ZIP64 record tells of ``shown``; the plain one, silent of it, of ``hidden``."""
    body, first, number = _parts(shown)
    more, second, other = _parts(hidden, len(body))
    body += more
    plain = len(body)
    at = plain + len(second) + 4
    record = (number, number, len(first), at)
    far = struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, *record)
    far += struct.pack("<4sIQI", b"PK\6\7", 0, at + len(first), 1)
    size = at + len(first) + len(far) - plain
    return body + second + b"STOP" + first + far + _end(other, size, plain)


def by_comment(shown, hidden):
    """The end tells of ``hidden``; in its comment is another one, too long, of ``shown``."""
    body, first, number = _parts(shown)
    more, second, other = _parts(hidden, len(body))
    body += more
    at = len(body) + len(second) + 22
    comment = first + _end(number, len(first), at, length=0xFFF0)
    return body + second + _end(other, len(second), len(body), comment)


def by_prefix(shown, hidden):
    """``shown`` behind another zip: a reader without patience takes offsets from the beginning."""
    return zip_of(hidden) + zip_of(shown)
