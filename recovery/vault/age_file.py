"""Big files in the age format (C2SP age v1, X25519 recipients), at the speed of the machine.

pyrage makes and checks the keys and does all small content. For big content it takes two to
six times as long, and holds the interpreter meanwhile; so the format's outer part is here,
on cryptography's primitives. Tests hold it against pyrage and the ``age`` command both ways.
"""

import base64
import binascii
import hmac
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import IO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

Piece = bytes | bytearray
"""A piece of sealed content; never changed again by whoever made it."""
CHUNK = 64 << 10
TAG = 16
_FIRST = b"age-encryption.org/v1\n"
_LINE_AT_MOST = 4096
_HEADER_AT_MOST = 1 << 16
_FILE_KEY = 16
_NONCE = 16
_ZERO = bytes(12)
_ALPHABET = {letter: number for number, letter in enumerate("qpzry9x8gf2tvdw0s3jn54khce6mua7l")}
_CHECKSUM = 6


class BrokenError(Exception):
    """Not an age file, changed, cut off, or sealed to others; the message says which."""


def seal_pieces(blocks: Iterable[bytes], recipients: Sequence[str]) -> Iterator[Piece]:
    """The age file for content that comes in ``blocks``, each a multiple of 64 KiB but the last.

    ``recipients`` are ``age1…`` keys, checked beforehand.
    """
    file_key = os.urandom(_FILE_KEY)
    head = _FIRST + b"".join(_stanza(file_key, _decode(name)) for name in recipients) + b"---"
    nonce = os.urandom(_NONCE)
    yield head + b" " + _base64(_mac(file_key, head)) + b"\n" + nonce
    cipher = ChaCha20Poly1305(_derive(file_key, nonce, b"payload"))
    place = 0
    held: bytes | memoryview = b""
    for block in blocks:
        view = memoryview(block)
        if not view:
            continue
        if held:
            yield cipher.encrypt(_number(place, last=False), held, None)
            place += 1
        # The last chunk is marked as such, so one is always held back.
        whole = max(0, (len(view) - 1) // CHUNK) * CHUNK
        # Sealed in place: a buffer a block costs less than one a chunk, and then joining them.
        out = bytearray(whole + TAG * (whole // CHUNK))
        space = memoryview(out)
        for start in range(0, whole, CHUNK):
            after = start // CHUNK * (CHUNK + TAG)
            into = space[after : after + CHUNK + TAG]
            cipher.encrypt_into(_number(place, last=False), view[start : start + CHUNK], None, into)
            place += 1
        yield out
        held = view[whole:]
    yield cipher.encrypt(_number(place, last=True), held, None)


def open_pieces(sealed: IO[bytes], identities: Sequence[str]) -> Iterator[bytes]:
    """The content of an age file, piece by piece, each verified before it is handed out.

    Raises :class:`BrokenError`; for a file that was cut off only after its last whole piece.
    """
    file_key = _file_key(sealed, identities)
    nonce = sealed.read(_NONCE)
    if len(nonce) != _NONCE:
        raise BrokenError("it is cut off")
    cipher = ChaCha20Poly1305(_derive(file_key, nonce, b"payload"))
    size = CHUNK + TAG
    place = 0
    block = _read_full(sealed, 16 * size)
    while True:
        following = _read_full(sealed, 16 * size)
        opened = []
        for start in range(0, max(len(block), 1), size):
            chunk = block[start : start + size]
            last = not following and start + size >= len(block)
            if last and len(chunk) <= TAG and place:
                raise BrokenError("it is cut off, or something was added to it")
            opened.append(_open(cipher, _number(place, last=last), chunk))
            place += 1
        yield b"".join(opened)
        if not following:
            return
        block = following


def _open(cipher: ChaCha20Poly1305, nonce: bytes, chunk: bytes) -> bytes:
    try:
        return cipher.decrypt(nonce, chunk, None)
    except InvalidTag as wrong:
        raise BrokenError("it was changed or cut off") from wrong


def _number(place: int, *, last: bool) -> bytes:
    return place.to_bytes(11, "big") + (b"\x01" if last else b"\x00")


def _read_full(stream: IO[bytes], size: int) -> bytes:
    """Exactly ``size`` bytes unless the stream ends: a pipe gives less at a time."""
    parts = []
    while size and (part := stream.read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _stanza(file_key: bytes, recipient: bytes) -> bytes:
    ephemeral = X25519PrivateKey.generate()
    share = ephemeral.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    shared = ephemeral.exchange(X25519PublicKey.from_public_bytes(recipient))
    key = _derive(shared, share + recipient, b"age-encryption.org/v1/X25519")
    wrapped = ChaCha20Poly1305(key).encrypt(_ZERO, file_key, None)
    return b"-> X25519 " + _base64(share) + b"\n" + _base64(wrapped) + b"\n"


def _file_key(sealed: IO[bytes], identities: Sequence[str]) -> bytes:
    """Reads the header, up to the payload; the key that the first fitting identity unwraps."""
    keys = [X25519PrivateKey.from_private_bytes(_decode(key.lower())) for key in identities]
    head = sealed.readline(_LINE_AT_MOST)
    if head != _FIRST:
        raise BrokenError("it is not an age file")
    found = b""
    while not (line := sealed.readline(_LINE_AT_MOST)).startswith(b"---"):
        head += line
        if line.startswith(b"-> X25519 "):
            body = sealed.readline(_LINE_AT_MOST)
            head += body
            found = found or _unwrap(line[len(b"-> X25519 ") :], body, keys)
        if not line.endswith(b"\n") or len(head) > _HEADER_AT_MOST:
            raise BrokenError("its header is broken")
    head += b"---"
    if not found:
        raise BrokenError("no matching key")
    if not hmac.compare_digest(_unbase64(line[4:]), _mac(found, head)):
        raise BrokenError("its header was changed")
    return found


def _unwrap(share_text: bytes, body: bytes, keys: Sequence[X25519PrivateKey]) -> bytes:
    share, wrapped = _unbase64(share_text), _unbase64(body)
    for key in keys:
        own = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        try:
            shared = key.exchange(X25519PublicKey.from_public_bytes(share))
            secret = _derive(shared, share + own, b"age-encryption.org/v1/X25519")
            file_key = ChaCha20Poly1305(secret).decrypt(_ZERO, wrapped, None)
        except (InvalidTag, ValueError):
            continue
        if len(file_key) == _FILE_KEY:
            return file_key
    return b""


def _derive(secret: bytes, salt: bytes, info: bytes) -> bytes:
    return HKDF(hashes.SHA256(), length=32, salt=salt or None, info=info).derive(secret)


def _mac(file_key: bytes, head: bytes) -> bytes:
    return hmac.digest(_derive(file_key, b"", b"header"), head, "sha256")


def _base64(raw: bytes) -> bytes:
    return base64.b64encode(raw).rstrip(b"=")


def _unbase64(text: bytes) -> bytes:
    text = text.rstrip(b"\n")
    try:
        return base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except binascii.Error as wrong:
        raise BrokenError("its header is broken") from wrong


def _decode(key: str) -> bytes:
    """The 32 bytes of a key's bech32 text; its checksum was checked when the key was loaded."""
    digits = key.rpartition("1")[2][:-_CHECKSUM]
    number = 0
    for letter in digits:
        number = number << 5 | _ALPHABET[letter]
    return (number >> (len(digits) * 5 - 256)).to_bytes(32, "big")
