"""Key material: the CA, the certificates it signs, the nonces.

Names, key sizes, terms and extensions are those of the recorded certificates
(facts: Configuration and keys; fixtures: server.config.yaml, api.yaml).
"""

from __future__ import annotations

import base64
import datetime as dt
import ipaddress
import secrets
from typing import TYPE_CHECKING, Any

from server_app.config.document import ConfigError

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import rsa

SERVER_NAME = "VelociraptorServer"
GATEWAY_NAME = "GRPC_GW"
CA_DAYS = 10 * 365
CERTIFICATE_DAYS = 365


def new_nonce() -> str:
    """Eight random bytes in Base64: an org's nonce, or the obfuscation nonce."""
    return base64.b64encode(secrets.token_bytes(8)).decode()


def add_key_material(config: dict[str, Any]) -> None:
    """Fills in everything secret that a fresh config needs: CA, certificates, nonces."""
    certificate, key = new_authority()
    config["Client"]["ca_certificate"] = certificate
    config["Client"]["nonce"] = new_nonce()
    config["CA"]["private_key"] = key
    config["obfuscation_nonce"] = new_nonce()
    _renew(config)


def rotate_keys(config: dict[str, Any], days: int = 0) -> None:
    """New keys and certificates for front end and gateway, of the same CA."""
    _renew(config, days)


def reissue_certificates(config: dict[str, Any], days: int = 0) -> None:
    """New certificates for the keys there are (facts: `config reissue_certs` keeps the keys)."""
    for section, names in _PAIRS.items():
        part = config.get(section) or {}
        key = load_key(part.get(names[1], ""), f"{section}.{names[1]}")
        subject = SERVER_NAME if section == "Frontend" else GATEWAY_NAME
        part[names[0]] = sign(config, subject, key, days)
        config[section] = part


_PAIRS = {
    "Frontend": ("certificate", "private_key"),
    "GUI": ("gw_certificate", "gw_private_key"),
}


def _renew(config: dict[str, Any], days: int = 0) -> None:
    for section, (certificate, key) in _PAIRS.items():
        name = SERVER_NAME if section == "Frontend" else GATEWAY_NAME
        config[section][certificate], config[section][key] = new_certificate(config, name, days)


def new_authority() -> tuple[str, str]:
    """A certificate authority good for ten years: (certificate, private key), both PEM."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    organization = x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Velociraptor CA")
    name = x509.Name([organization])
    usage = _usage(signing=True)
    builder = (
        _builder(name, name, key.public_key(), CA_DAYS)
        .add_extension(usage, critical=True)
        .add_extension(_purposes(), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("Velociraptor_ca.velocidex.com")]),
            critical=False,
        )
    )
    return _pem(builder.sign(key, hashes.SHA256())), private_pem(key)


def new_certificate(config: dict[str, Any], name: str, days: int = 0) -> tuple[str, str]:
    """A key and a certificate for `name` from the config's CA: (certificate, key), PEM.

    Raises ConfigError without a usable `CA.private_key` and `Client.ca_certificate`.
    """
    from cryptography.hazmat.primitives.asymmetric import rsa

    authority(config)  # before the slow part: a config without CA fails at once
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return sign(config, name, key, days), private_pem(key)


def sign(config: dict[str, Any], name: str, key: rsa.RSAPrivateKey, days: int = 0) -> str:
    """A certificate in PEM for an existing key: server and client use, SAN like the name."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    ca, ca_key = authority(config)
    if days <= 0:
        days = int((config.get("security") or {}).get("certificate_validity_days") or 0)
    days = days if days > 0 else CERTIFICATE_DAYS
    subject = x509.Name([
        x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Velociraptor"),
        x509.NameAttribute(x509.NameOID.COMMON_NAME, name),
    ])  # fmt: skip
    identifier = ca.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    builder = (
        _builder(subject, ca.subject, key.public_key(), days)
        .add_extension(_usage(signing=False), critical=True)
        .add_extension(_purposes(), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier),
            critical=False,
        )
        .add_extension(x509.SubjectAlternativeName([_general_name(name)]), critical=False)
    )
    return _pem(builder.sign(ca_key, hashes.SHA256()))


def authority(config: dict[str, Any]) -> tuple[x509.Certificate, rsa.RSAPrivateKey]:
    """The CA's certificate and key, or ConfigError."""
    from cryptography import x509

    key = load_key((config.get("CA") or {}).get("private_key", ""), "CA.private_key")
    pem = (config.get("Client") or {}).get("ca_certificate", "")
    try:
        return x509.load_pem_x509_certificate(pem.encode()), key
    except ValueError as error:
        raise ConfigError("Client.ca_certificate is not a certificate in PEM") from error


def load_key(pem: str, where: str) -> rsa.RSAPrivateKey:
    """An RSA key from PEM; `where` names it in the ConfigError. Never quotes the key."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    if not pem:
        raise ConfigError(f"No CA configured: {where} is missing from the config")
    try:
        key = serialization.load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{where} is not a private key in PEM") from error
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ConfigError(f"{where} is not an RSA key")
    return key


def private_pem(key: rsa.RSAPrivateKey) -> str:
    """PKCS#1 PEM, as in the real files."""
    from cryptography.hazmat.primitives import serialization

    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    ).decode()


def _builder(
    subject: x509.Name, issuer: x509.Name, key: rsa.RSAPublicKey, days: int
) -> x509.CertificateBuilder:
    from cryptography import x509

    start = dt.datetime.now(dt.UTC).replace(microsecond=0)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=days))
    )


def _usage(*, signing: bool) -> x509.KeyUsage:
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=True, key_encipherment=True, key_cert_sign=signing,
        content_commitment=False, data_encipherment=False, key_agreement=False,
        crl_sign=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _purposes() -> x509.ExtendedKeyUsage:
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID

    return x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])


def _general_name(name: str) -> x509.GeneralName:
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        pass
    if not name.isascii():
        raise ConfigError(
            f'Unable to generate certificate: x509: "{name}" cannot be encoded as an IA5String'
        )
    return x509.DNSName(name)


def _pem(certificate: x509.Certificate) -> str:
    from cryptography.hazmat.primitives import serialization

    return certificate.public_bytes(serialization.Encoding.PEM).decode()
