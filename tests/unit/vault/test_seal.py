import io
import os
import shutil
import subprocess

import pytest
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from hypothesis import given
from hypothesis import strategies as st

from recovery.errors import BadInputError
from recovery.vault import age_file
from recovery.vault.seal import (
    NotOpenedError,
    check_recipient,
    fits,
    new_identity,
    open_bytes,
    opened,
    recipient_of,
    seal_bytes,
    sealed,
)

SECRET, PUBLIC = new_identity()
OTHER_SECRET, OTHER_PUBLIC = new_identity()
BIG = os.urandom(5 << 20)


def seal(content, recipients=(PUBLIC,)):
    return b"".join(sealed(io.BytesIO(content), recipients))


def unseal(content, identities=(SECRET,)):
    return b"".join(opened(io.BytesIO(content), identities))


SIZES = [0, 1, 65_535, 65_536, 65_537, 131_072, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 5 << 20]


@pytest.mark.parametrize("size", SIZES)
def test_pyrage_opens_what_is_sealed_here_and_the_reverse(size):
    content = BIG[:size]
    assert open_bytes(seal(content, (OTHER_PUBLIC, PUBLIC)), [SECRET]) == content
    assert unseal(seal_bytes(content, [OTHER_PUBLIC, PUBLIC])) == content


def test_a_stream_that_comes_in_crumbs_is_sealed_right():
    class Crumbs(io.BytesIO):
        def read(self, size=-1):
            return super().read(min(size, 10_007))

    assert open_bytes(b"".join(sealed(Crumbs(BIG), [PUBLIC])), [SECRET]) == BIG
    assert b"".join(opened(Crumbs(seal(BIG)), [SECRET])) == BIG


@pytest.mark.parametrize("content", [b"", b"small" * 20, BIG], ids=["empty", "small", "big"])
def test_content_comes_back(content):
    shut = seal(content)
    assert content[:64] not in shut or not content
    assert unseal(shut) == content
    assert fits(len(shut), len(content))


def test_any_recipient_opens():
    shut = seal(b"x", (PUBLIC, OTHER_PUBLIC))
    assert unseal(shut, (SECRET,)) == unseal(shut, (OTHER_SECRET,)) == b"x"


@pytest.mark.parametrize("content", [b"x" * 100, BIG], ids=["small", "big"])
def test_a_stranger_does_not_open(content):
    with pytest.raises(NotOpenedError):
        unseal(seal(content), (OTHER_SECRET,))


@pytest.mark.parametrize("content", [b"x" * 100, BIG], ids=["small", "big"])
@pytest.mark.parametrize("place", [-1, -70_000, 30, 100, 130, 180])
def test_no_changed_byte_passes(content, place):
    shut = bytearray(seal(content))
    shut[max(place, -len(shut))] ^= 1
    with pytest.raises(NotOpenedError):
        unseal(bytes(shut))


@pytest.mark.parametrize("content", [b"x" * 100, BIG], ids=["small", "big"])
def test_what_was_cut_off_is_not_taken_for_whole(content):
    shut = seal(content)
    cut = shut[: -65_552 if content is BIG else -250]
    with pytest.raises(NotOpenedError):
        unseal(cut)
    assert not fits(len(cut), len(content))


@given(st.integers(0, 1 << 50))
def test_a_size_that_lacks_a_piece_never_fits(size):
    header = 168
    whole = header + 16 + size + 16 * max(1, -(-size // 65536))
    assert fits(whole, size)
    assert not fits(whole - 65_552, size)


@pytest.mark.skipif(not shutil.which("age"), reason="the age command is not on this machine")
def test_the_age_command_opens_what_was_sealed(tmp_path):
    (tmp_path / "key").write_text(SECRET + "\n")
    for content in (b"small", BIG):
        done = subprocess.run(
            ["age", "--decrypt", "--identity", str(tmp_path / "key")],
            input=seal(content),
            capture_output=True,
            check=True,
        )
        assert done.stdout == content


def test_keys_are_checked():
    assert recipient_of(SECRET) == PUBLIC
    assert check_recipient(PUBLIC) == PUBLIC
    with pytest.raises(BadInputError):
        recipient_of("AGE-SECRET-KEY-1X")
    with pytest.raises(BadInputError):
        check_recipient("age1x")


def test_bytes():
    assert open_bytes(seal_bytes(b"x", [PUBLIC]), [SECRET]) == b"x"
    with pytest.raises(NotOpenedError):
        open_bytes(b"garbage", [SECRET])


def test_pieces_in_another_order_do_not_pass():
    shut = bytearray(seal(BIG))
    size = 65_552
    shut[-3 * size : -2 * size], shut[-2 * size : -size] = (
        shut[-2 * size : -size],
        shut[-3 * size : -2 * size],
    )
    with pytest.raises(NotOpenedError):
        unseal(bytes(shut))


def test_what_was_added_does_not_pass():
    for content in (b"", b"x", BIG):
        with pytest.raises(NotOpenedError):
            unseal(seal(content) + b"more")


@given(st.binary(max_size=300))
def test_no_garbage_is_opened(garbage):
    for content in (garbage, b"age-encryption.org/v1\n" + garbage):
        with pytest.raises(NotOpenedError):
            unseal(content)


def test_an_empty_chunk_at_the_end_of_content_is_none_of_the_format():
    """C2SP age v1: the last chunk is empty only where the whole content is."""
    shut = seal(BIG[: age_file.CHUNK])
    stream = io.BytesIO(shut)
    file_key = age_file._file_key(stream, [SECRET])
    nonce = stream.read(16)
    head = shut[: stream.tell()]
    cipher = ChaCha20Poly1305(age_file._derive(file_key, nonce, b"payload"))
    whole = cipher.encrypt(age_file._number(0, last=False), BIG[: age_file.CHUNK], None)
    empty = cipher.encrypt(age_file._number(1, last=True), b"", None)
    for open_it in (unseal, lambda content: open_bytes(content, [SECRET])):
        with pytest.raises(NotOpenedError):
            open_it(head + whole + empty)
