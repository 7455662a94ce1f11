import base64
from pathlib import Path

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding

from server_app.config import ConfigError
from server_app.config.defaults import default_config
from server_app.config.keys import (
    add_key_material,
    load_key,
    new_certificate,
    reissue_certificates,
    rotate_keys,
)

RECORDED = Path(__file__).parents[3] / "fixtures" / "velociraptor-0.77.2"
REAL = yaml.safe_load((RECORDED / "server.config.yaml").read_text())


@pytest.fixture(scope="module")
def made() -> dict:
    config = default_config()
    add_key_material(config)
    return config


def certificate(pem: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pem.encode())


def shape(pem: str) -> dict:
    """All of a certificate that must agree with the real one's: names, use, term, extensions."""
    cert = certificate(pem)
    term = cert.not_valid_after_utc - cert.not_valid_before_utc
    key_ids = ("subjectKeyIdentifier", "authorityKeyIdentifier")
    return {
        "subject": cert.subject.rfc4514_string(),
        "issuer": cert.issuer.rfc4514_string(),
        "days": term.days,
        "bits": cert.public_key().key_size,
        "hash": cert.signature_hash_algorithm.name,
        "extensions": {
            item.oid._name: (item.critical, "" if item.oid._name in key_ids else str(item.value))
            for item in cert.extensions
        },
    }


@pytest.mark.parametrize(
    ("section", "name"),
    [("Client", "ca_certificate"), ("Frontend", "certificate"), ("GUI", "gw_certificate")],
)
def test_certificates_are_of_the_real_shape(made: dict, section: str, name: str) -> None:
    assert shape(made[section][name]) == shape(REAL[section][name])


def test_an_api_clients_certificate_is_of_the_real_shape(made: dict) -> None:
    api = yaml.safe_load((RECORDED / "api.yaml").read_text())
    assert shape(new_certificate(made, "apiuser")[0]) == shape(api["client_cert"])


def test_sections_and_keys_are_those_of_a_real_config(made: dict) -> None:
    assert list(made) == list(REAL)
    allowed_to_lack = {
        "Client": {"max_poll_std", "use_self_signed_ssl"},  # merged in by the one who recorded
        "API": {"hostname"},
        "GUI": {"links", "initial_users"},
        "Logging": {"output_directory"},
    }
    for section, keys in REAL.items():
        if isinstance(keys, dict):
            lacking = set(keys) - set(made[section])
            assert lacking <= allowed_to_lack.get(section, set()), section
            assert [key for key in keys if key in made[section]] == list(made[section])


def test_the_ca_signed_them(made: dict) -> None:
    ca = certificate(made["Client"]["ca_certificate"])
    for pem in (made["Frontend"]["certificate"], made["GUI"]["gw_certificate"]):
        cert = certificate(pem)
        cert.verify_directly_issued_by(ca)
    key = load_key(made["Frontend"]["private_key"], "x")
    assert key.public_key() == certificate(made["Frontend"]["certificate"]).public_key()


def test_nonces_are_eight_random_bytes(made: dict) -> None:
    nonces = [made["Client"]["nonce"], made["obfuscation_nonce"]]
    assert [len(base64.b64decode(nonce)) for nonce in nonces] == [8, 8]
    assert nonces[0] != nonces[1]


def test_keys_are_in_the_real_files_form(made: dict) -> None:
    assert made["CA"]["private_key"].startswith("-----BEGIN RSA PRIVATE KEY-----\n")


def test_a_real_ca_signs_here(made: dict) -> None:
    pem, key = new_certificate(REAL, "someone")
    certificate(pem).verify_directly_issued_by(certificate(REAL["Client"]["ca_certificate"]))
    signature = load_key(key, "x").sign(
        b"x", padding.PKCS1v15(), certificate(pem).signature_hash_algorithm
    )
    assert signature


def test_reissuing_keeps_the_keys_and_rotating_changes_them() -> None:
    import copy

    config = copy.deepcopy(REAL)
    reissue_certificates(config, 10)
    assert config["Frontend"]["private_key"] == REAL["Frontend"]["private_key"]
    cert = certificate(config["Frontend"]["certificate"])
    assert (cert.not_valid_after_utc - cert.not_valid_before_utc).days == 10
    rotate_keys(config)
    assert config["Frontend"]["private_key"] != REAL["Frontend"]["private_key"]
    assert config["GUI"]["gw_private_key"] != REAL["GUI"]["gw_private_key"]
    assert config["CA"] == REAL["CA"]


@pytest.mark.parametrize(
    ("ca", "reason"),
    [
        ({}, r"CA.private_key is missing"),
        ({"private_key": "nonsense"}, r"CA.private_key is not a private key"),
    ],
)
def test_without_a_ca_nothing_is_signed(ca: dict, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason) as raised:
        new_certificate({**REAL, "CA": ca}, "x")
    assert "nonsense" not in str(raised.value)
