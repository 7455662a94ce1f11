"""What a server refuses to start with (facts: Configuration and keys, The server package)."""

import copy
import datetime as dt
from pathlib import Path

import pytest
import yaml
from cryptography import x509

from server_app.cli.frontend import check, renew_certificate
from server_app.cli.main import CommandError
from server_app.config.keys import reissue_certificates

RECORDED = Path(__file__).parents[3] / "fixtures" / "velociraptor-0.77.2"
REAL = yaml.safe_load((RECORDED / "server.config.yaml").read_text())


def test_a_real_config_passes() -> None:
    config = copy.deepcopy(REAL)
    check(config)
    renew_certificate(config)
    assert config == REAL


@pytest.mark.parametrize(
    ("section", "name", "value", "reason"),
    [
        ("GUI", "public_url", "https://x/", "must end with '/app/index.html'"),
        ("Frontend", "run_as_user", "somebody", "should be running as the 'somebody' user"),
        ("Frontend", "certificate", "", r"No Frontend.certificate"),
        ("Client", "nonce", "", r"No Client.nonce"),
    ],
)
def test_refused(section: str, name: str, value: str, reason: str) -> None:
    config = copy.deepcopy(REAL)
    config[section][name] = value
    with pytest.raises(CommandError, match=reason):
        check(config)


def expired() -> dict:
    config = copy.deepcopy(REAL)
    from server_app.config import keys

    real_builder = keys._builder

    def old(*arguments: object) -> x509.CertificateBuilder:
        start = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
        builder = real_builder(*arguments)
        builder._not_valid_before = builder._not_valid_after = None
        return builder.not_valid_before(start).not_valid_after(start + dt.timedelta(days=1))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keys, "_builder", old)
        reissue_certificates(config)
    return config


def test_an_expired_certificate_is_reissued_in_memory() -> None:
    config = expired()
    renew_certificate(config)
    certificate = x509.load_pem_x509_certificate(config["Frontend"]["certificate"].encode())
    assert certificate.not_valid_after_utc > dt.datetime.now(dt.UTC)
    assert config["Frontend"]["private_key"] == REAL["Frontend"]["private_key"]


def test_without_the_cas_key_it_is_the_end() -> None:
    config = expired()
    config["CA"] = {}
    with pytest.raises(CommandError, match="Certificate not valid"):
        renew_certificate(config)
