"""A client's key and id, kept in its writeback file (facts: "Server and clients")."""

from __future__ import annotations

import base64
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import yaml
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from server_app.datastore import ids

_BITS = 2048


@dataclass(frozen=True)
class Identity:
    """Key and id; the id follows from the key."""

    key: rsa.RSAPrivateKey
    client_id: str
    install_time: int

    def public_pem(self) -> str:
        return (
            self.key.public_key()
            .public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
            .decode()
        )

    def sign(self, data: bytes) -> str:
        """RSA-SHA256 signature in base64."""
        return base64.b64encode(self.key.sign(data, padding.PKCS1v15(), hashes.SHA256())).decode()


def load_or_create(path: Path) -> Identity:
    """Reads the writeback file; makes key and file if there is none or it is damaged."""
    try:
        found = yaml.safe_load(path.read_text("utf-8")) or {}
        key = serialization.load_pem_private_key(found["private_key"].encode(), None)
        if isinstance(key, rsa.RSAPrivateKey):
            return _identity(key, int(found.get("install_time") or 0))
    except (OSError, yaml.YAMLError, KeyError, ValueError, AttributeError, TypeError):
        pass
    made = _identity(rsa.generate_private_key(65537, _BITS), int(time.time()))
    _write(path, made)
    return made


def _identity(key: rsa.RSAPrivateKey, install_time: int) -> Identity:
    return Identity(key, ids.client_id(key.public_key().public_numbers().n), install_time)


def _write(path: Path, made: Identity) -> None:
    pem = made.key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    ).decode()
    body = "".join(f"  {line}\n" for line in pem.splitlines())
    text = f"install_time: {made.install_time}\nprivate_key: |\n{body}client_id: {made.client_id}\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".writeback-")
    with os.fdopen(handle, "w") as stream:
        stream.write(text)
    Path(temporary).replace(path)
