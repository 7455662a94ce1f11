"""How the toolkit identifies itself to a server's API: as the server itself, for a day at most.

The server takes a certificate of its own CA with its own pinned name as its superuser, in
every org, without a user record. So no API user is ever created on the server, and none
can be left behind (docs/adr/0003). The certificate is made in memory and never written.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from recovery.errors import BadInputError
from recovery.velociraptor.config import ServerConfig

LIFETIME = timedelta(days=1)
"""An import may take hours, and be cut off from the server and connected anew meanwhile."""
_SKEW = timedelta(days=1)
"""A machine just made may have its clock hours off; nothing else would tell why it refuses."""
# The server verifies API peers with Go's default, which wants server usage (read in its source).
_USAGES = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]


@dataclass(frozen=True)
class OperatorIdentity:
    """What mutual TLS needs, all PEM: the CA, the certificate chain, its private key."""

    ca: bytes
    certificate: bytes
    private_key: bytes = field(repr=False)
    server_name: str


def operator_identity(config: ServerConfig) -> OperatorIdentity:
    """Makes the identity from the CA key; without one, the server's own certificate serves.

    Raises :class:`BadInputError` when the CA key isn't in the config and the server's own
    certificate has ended.
    """
    ca = config.values["Client"]["ca_certificate"].encode()
    ca_key = _ca_key(config)
    if ca_key is None:
        return _own_certificate(config, ca)
    key = ec.generate_private_key(ec.SECP256R1())  # an RSA key would take a tenth of a second
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(
            x509.Name(
                [
                    x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Velociraptor Recovery"),
                    x509.NameAttribute(NameOID.COMMON_NAME, config.server_name),
                ]
            )
        )
        .issuer_name(config.ca_certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.ExtendedKeyUsage(_USAGES), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return OperatorIdentity(ca, certificate.public_bytes(Encoding.PEM), private, config.server_name)


def refuse_unusable(config: ServerConfig) -> None:
    """Raises :class:`BadInputError` like :func:`operator_identity`, without making a key."""
    if _ca_key(config) is None:
        _own_certificate(config, b"")


def _ca_key(config: ServerConfig) -> rsa.RSAPrivateKey | None:
    pem = (config.values.get("CA") or {}).get("private_key")
    return _rsa_key(str(pem)) if pem else None


@lru_cache(maxsize=1)  # each group of steps opens the API: to check an RSA key takes 40 ms
def _rsa_key(pem: str) -> rsa.RSAPrivateKey:
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError) as broken:
        raise BadInputError(
            "CA.private_key is not a private key",
            target="server.config.yaml",
            hint="give the config as the server had it, or one without CA.private_key",
        ) from broken
    if not isinstance(key, rsa.RSAPrivateKey):
        raise BadInputError("CA.private_key is not an RSA key", target="server.config.yaml")
    return key


def _own_certificate(config: ServerConfig, ca: bytes) -> OperatorIdentity:
    pem = config.values["Frontend"]["certificate"].encode()
    try:
        until = x509.load_pem_x509_certificate(pem).not_valid_after_utc
    except ValueError as broken:
        raise BadInputError(
            "Frontend.certificate is not a certificate", target="server.config.yaml"
        ) from broken
    if until < datetime.now(UTC):
        raise BadInputError(
            f"the server's certificate ended on {until:%Y-%m-%d}, and CA.private_key is not in "
            "the config to make a new one",
            target="server.config.yaml",
            hint="put CA.private_key back, then `velociraptor config reissue_certs`",
        )
    key = config.values["Frontend"]["private_key"].encode()
    return OperatorIdentity(ca, pem, key, config.server_name)
