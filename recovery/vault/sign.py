"""Signing by Ed25519 in a DSSE envelope: who made a manifest, and that nobody changed it.

The envelope is the one of the secure-systems-lab's DSSE v1: the signature covers the
payload's type and length too, so that one kind of document can't be passed as another.
"""

import base64
import hashlib
import json
from collections.abc import Sequence
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from recovery.errors import BadInputError

_KEY_BYTES = 32


class NotTrustedError(Exception):
    """Unsigned, signed by nobody known, or changed after signing; the message says which."""


def new_signing_key() -> str:
    """A fresh private key, PEM."""
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode().rstrip()


def load_signing_key(pem: str) -> Ed25519PrivateKey:
    """The private key; :class:`BadInputError` when it isn't an Ed25519 one."""
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as wrong:
        raise BadInputError(
            "not a signing key (PEM)", hint="`recovery vault init` makes one"
        ) from (wrong)
    if not isinstance(key, Ed25519PrivateKey):
        raise BadInputError("not an Ed25519 key", hint="`recovery vault init` makes one")
    return key


def public_text(key: Ed25519PrivateKey) -> str:
    """The public half, 64 hex digits: what is written into ``trusted.pub``."""
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()


def load_public(text: str) -> Ed25519PublicKey:
    """A public key from its hex digits; :class:`BadInputError` when it is none."""
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        raw = b""
    if len(raw) != _KEY_BYTES:
        raise BadInputError(f"not a public key: {text[:80]!r}", hint="64 hex digits are needed")
    return Ed25519PublicKey.from_public_bytes(raw)


def key_id(public: Ed25519PublicKey) -> str:
    """The first 16 hex digits of the key's SHA-256."""
    raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return hashlib.sha256(raw).hexdigest()[:16]


def sign(payload: bytes, kind: str, key: Ed25519PrivateKey) -> bytes:
    """The envelope, JSON."""
    signature = key.sign(_covered(payload, kind))
    envelope = {
        "payloadType": kind,
        "payload": base64.b64encode(payload).decode(),
        "signatures": [
            {"keyid": key_id(key.public_key()), "sig": base64.b64encode(signature).decode()}
        ],
    }
    return json.dumps(envelope).encode()


def verify(envelope: bytes, kinds: Sequence[str], trusted: Sequence[str]) -> tuple[bytes, str]:
    """``(payload, kind)`` of an envelope that one of ``trusted`` (hex) signed.

    Raises :class:`NotTrustedError`.
    """
    try:
        values: Any = json.loads(envelope)
        kind = values["payloadType"]
        payload = base64.b64decode(values["payload"], validate=True)
        signatures = [base64.b64decode(item["sig"], validate=True) for item in values["signatures"]]
    except (ValueError, KeyError, TypeError, RecursionError) as broken:
        raise NotTrustedError("it is not a signed document") from broken
    if kind not in kinds:
        raise NotTrustedError(f"it is of another kind: {str(kind)[:80]!r}")
    covered = _covered(payload, kind)
    for text in trusted:
        public = load_public(text)
        for signature in signatures:
            try:
                public.verify(signature, covered)
            except InvalidSignature:
                continue
            return payload, kind
    raise NotTrustedError("it is signed by no trusted key, or was changed after signing")


def _covered(payload: bytes, kind: str) -> bytes:
    name = kind.encode()
    return b"DSSEv1 %d %b %d %b" % (len(name), name, len(payload), payload)
