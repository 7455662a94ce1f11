"""How a name becomes a file name in the datastore, and back (facts: "Datastore layout")."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from urllib.parse import unquote_to_bytes

_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~ $")
_LONGEST = 250


@lru_cache(maxsize=8192)
def encode(name: str) -> str:
    """One path component as it stands on disk; names over 250 bytes become ``#sha1``."""
    encoded = _escape(name)
    if len(encoded) < _LONGEST:
        return encoded
    return "#" + hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()


def decode(name: str) -> str:
    """The component that `encode` was given."""
    plain = unquote_to_bytes(name).decode("utf-8", "surrogateescape")
    return plain[:-1] if plain.endswith((".db_", "__")) else plain


def _escape(name: str) -> str:
    if not name:
        return ""
    if name[0] in ".#":
        return f"%{ord(name[0]):02X}" + _escape(name[1:])
    if name[-1] == ".":
        return _escape(name[:-1]) + "%2E"
    if name.endswith((".db", "_")):
        name += "_"
    raw = name.encode("utf-8", "surrogateescape")
    return "".join(chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in raw)


def in_zip(name: str) -> str:
    """One path component of an export: fewer characters are escaped than on disk."""
    out = [
        f"%{ord(char):02X}" if char in '?"*:|<>%/\\' or (index == 0 and char in ". ") else char
        for index, char in enumerate(name)
    ]
    if out and name[-1] in ". ":
        out[-1] = f"%{ord(name[-1]):02X}"
    return "".join(out)
