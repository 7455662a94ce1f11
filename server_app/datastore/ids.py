"""Identifiers: of clients from their key, of flows, hunts, notebooks and orgs from the clock."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time

_BASE32 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_BASE32_HEX = b"0123456789ABCDEFGHIJKLMNOPQRSTUV"
_TO_HEX = bytes.maketrans(_BASE32, _BASE32_HEX)


def _encode(data: bytes) -> str:
    return base64.b32encode(data).translate(_TO_HEX).decode().rstrip("=")


def client_id(modulus: int) -> str:
    """The id that a client's RSA modulus gives it (facts: "Server and clients")."""
    raw = modulus.to_bytes((modulus.bit_length() + 7) // 8, "big")
    framed = (len(raw) + 1).to_bytes(4, "big") + b"\0" + raw
    return "C." + hashlib.sha256(framed).hexdigest()[:16]


def new_client() -> str:
    return "C." + secrets.token_hex(8)


def new() -> str:
    """13 characters whose first ones grow with the clock."""
    return _encode(int(time.time()).to_bytes(4, "big") + secrets.token_bytes(4))


def flow() -> str:
    return "F." + new()


def hunt() -> str:
    return "H." + new()


def notebook() -> str:
    return "N." + new()


def cell() -> str:
    return "NC." + new()


def org() -> str:
    return "O" + _encode(secrets.token_bytes(2))[:4]


def nonce() -> str:
    return base64.b64encode(secrets.token_bytes(8)).decode()
