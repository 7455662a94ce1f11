"""Sealing by age: whoever has a recipient's key opens, everyone else learns the size.

What is sealed is an ordinary age file: ``age --decrypt`` opens it by hand.
"""

from collections.abc import Iterator, Sequence
from typing import IO

import pyrage  # type: ignore[import-untyped]

from recovery.errors import BadInputError
from recovery.vault.age_file import CHUNK, TAG, BrokenError, Piece, open_pieces, seal_pieces

# Small enough to stay in a core's cache from being read until it is written.
_BLOCK = 8 * CHUNK
_SMALLEST_HEADER = 168
_LARGEST_HEADER = 1 << 16


class NotOpenedError(Exception):
    """No key fits, or the content was changed or cut off."""


def new_identity() -> tuple[str, str]:
    """A fresh key pair: ``(AGE-SECRET-KEY-…, age1…)``."""
    identity = pyrage.x25519.Identity.generate()
    return str(identity), str(identity.to_public())


def recipient_of(identity: str) -> str:
    """The public half of a secret key; :class:`BadInputError` when it is none."""
    try:
        return str(pyrage.x25519.Identity.from_str(identity).to_public())
    except pyrage.IdentityError as wrong:
        raise BadInputError("not an age secret key", hint="it begins with AGE-SECRET-KEY-1") from (
            wrong
        )


def check_recipient(recipient: str) -> str:
    """Itself; :class:`BadInputError` when it isn't an age public key."""
    try:
        pyrage.x25519.Recipient.from_str(recipient)
    except pyrage.RecipientError as wrong:
        raise BadInputError(
            f"not an age recipient: {recipient!r}", hint="it begins with age1"
        ) from wrong
    return recipient


def seal_bytes(content: bytes, recipients: Sequence[str]) -> bytes:
    """Small content sealed in memory."""
    keys = [pyrage.x25519.Recipient.from_str(name) for name in recipients]
    return bytes(pyrage.encrypt(content, keys))


def open_bytes(content: bytes, identities: Sequence[str]) -> bytes:
    """The reverse of :func:`seal_bytes`. Raises :class:`NotOpenedError`."""
    try:
        keys = [pyrage.x25519.Identity.from_str(key) for key in identities]
        return bytes(pyrage.decrypt(content, keys))
    except pyrage.DecryptError as refused:
        raise NotOpenedError(str(refused)) from refused


def sealed(source: IO[bytes], recipients: Sequence[str]) -> Iterator[Piece]:
    """The rest of ``source``, sealed, in pieces of about half a MB."""
    return seal_pieces(blocks(source), recipients)


def opened(stream: IO[bytes], identities: Sequence[str]) -> Iterator[bytes]:
    """Sealed content, opened, in pieces of about a MB.

    Raises :class:`NotOpenedError` when no key fits or it isn't whole; for big content that
    may come only after the last good piece.
    """
    try:
        yield from open_pieces(stream, identities)
    except BrokenError as refused:
        raise NotOpenedError(str(refused)) from refused


def blocks(source: IO[bytes]) -> Iterator[bytes]:
    """The rest of ``source`` in blocks of half a MB; only the last may be smaller."""
    parts: list[bytes] = []
    size = 0
    while part := source.read(_BLOCK - size):
        parts.append(part)
        size += len(part)
        if size == _BLOCK:
            yield parts[0] if len(parts) == 1 else b"".join(parts)
            parts, size = [], 0
    if parts:
        yield b"".join(parts)


def fits(size: int, content: int) -> bool:
    """Whether a sealed object's ``size`` can be right for its content's.

    age: a header, a nonce of 16 bytes, then 16 bytes more for every 64 KiB. The header has a
    random length, so a few missing bytes show only when the object is opened.
    """
    chunks = max(1, -(-content // CHUNK))
    return _SMALLEST_HEADER <= size - (TAG + content + TAG * chunks) <= _LARGEST_HEADER
