"""Certificates and keys out of a config: dates, identity, and whether they belong together."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


@dataclass(frozen=True)
class Certificate:
    """A certificate: `where` is its setting, `fingerprint` the SHA-256 of its DER, in hex."""

    where: str
    subject: str
    not_before: datetime
    not_after: datetime
    fingerprint: str
    parsed: x509.Certificate


def read_certificate(pem: str, where: str) -> Certificate:
    """Parse one PEM certificate; ValueError if it is none."""
    parsed = x509.load_pem_x509_certificate(pem.encode())
    return Certificate(
        where,
        parsed.subject.rfc4514_string(),
        parsed.not_valid_before_utc,
        parsed.not_valid_after_utc,
        hashlib.sha256(parsed.public_bytes(Encoding.DER)).hexdigest(),
        parsed,
    )


def key_matches(pem: str, certificate: Certificate) -> bool:
    """Whether the private key in `pem` is the certificate's.

    Raises ValueError or TypeError if it is no private key, or one with a password.
    """
    key = serialization.load_pem_private_key(pem.encode(), password=None)
    der, spki = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    mine = key.public_key().public_bytes(der, spki)
    return mine == certificate.parsed.public_key().public_bytes(der, spki)


def issued_by(certificate: Certificate, authority: Certificate) -> bool:
    """Whether `authority` signed `certificate` (names and signature)."""
    try:
        certificate.parsed.verify_directly_issued_by(authority.parsed)
    except Exception:  # noqa: BLE001  InvalidSignature, ValueError, TypeError: each means "no"
        return False
    return True
