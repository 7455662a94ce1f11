"""One command's output, out of a stream that is cut anywhere."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from recovery.target.docker_shell import Between

MARK = "0123456789abcdef0123456789abcdef"
NEAR = st.sampled_from([b"", b"x\n", b"\n\n", MARK[:31].encode(), f"{MARK}".encode()])


@given(
    before=st.sampled_from([b"", b"stray", b"stray\n"]),
    said=st.sampled_from([b"0", b"7", b"255", b"."]),
    held=st.one_of(st.binary(max_size=90), NEAR),
    cuts=st.lists(st.integers(0, 200), max_size=12),
    after=st.sampled_from([b"", b"stray", b"stray\n"]),
)
def test_a_stream_cut_anywhere_gives_the_same(before, said, held, cuts, after):
    mark = MARK.encode()
    raw = before + mark + b"\n" + held + mark + b" " + said + b"\n"
    last = len(raw)
    raw += after
    places = sorted({0, len(raw), *(cut for cut in cuts if cut < len(raw))})
    found = Between(MARK)
    for start, end in pairwise(places):
        assert found.ended == (start >= last)
        if found.ended:
            break
        found.add(raw[start:end])
    assert found.ended
    assert (found.held, found.said) == (held, said.decode())


@given(said=st.sampled_from([b"0", b"255", b"."]))
def test_a_byte_at_a_time(said):
    found = Between(MARK)
    for byte in MARK.encode() + b"\nout\n" + MARK.encode() + b" " + said + b"\n":
        found.add(bytes([byte]))
    assert found.ended
    assert (found.held, found.said) == (b"out\n", said.decode())
