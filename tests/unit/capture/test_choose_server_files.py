"""The newest package and config of a folder, by what is in them."""

from datetime import UTC, datetime, timedelta

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from recovery.capture.choose_server_files import newest_config, newest_package, version_key
from recovery.capture.look_inside import Inside
from recovery.velociraptor.config import ServerConfig
from tests.unit.restore.points import CONFIG

KEY = ec.generate_private_key(ec.SECP256R1())
NEW, OLD = datetime(2026, 6, 1, tzinfo=UTC), datetime(2025, 6, 1, tzinfo=UTC)


def package(version, config="", content=""):
    return Inside(f"{version}.deb", version, config, "CA", content or version + config)


def config(since=NEW, version="0.77.2", note=""):
    values = yaml.safe_load(CONFIG)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "VelociraptorServer")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name)
    made = made.not_valid_before(since).not_valid_after(since + timedelta(365))
    made = made.public_key(KEY.public_key()).serial_number(7).sign(KEY, hashes.SHA256())
    pem = made.public_bytes(serialization.Encoding.PEM).decode()
    values["Frontend"]["certificate"] = pem
    values["version"]["version"] = version
    return ServerConfig.parse((yaml.safe_dump(values) + note).encode())


def test_versions_stand_as_debian_has_them():
    rising = ["0.7.9", "0.77", "0.77.2~rc1-1", "0.77.2", "0.77.2-1", "0.77.2-2", "0.77.10", "1.0"]
    falling = [*rising]
    falling.reverse()
    assert sorted(falling, key=version_key) == rising


@pytest.mark.parametrize(
    ("packages", "place", "why"),
    [
        ([package("0.77.2-1"), package("0.75.1")], 0, "its version is the highest"),
        ([package("1-1", "mine"), package("1-1", "x")], 0, "it has the config"),
        ([package("1-1", "x"), package("1-1", "y")], 1, "nothing in them tells"),
        ([package("1-1", "x", "same")] * 2, 1, "they are the same"),
    ],
)
def test_the_newest_package_is_the_highest_version_whenever_it_was_copied(packages, place, why):
    found = newest_package(packages, "mine")
    assert (found.place, found.why.partition(",")[0]) == (place, why)
    assert found.by_times == why.startswith("nothing")


@pytest.mark.parametrize(
    ("configs", "place", "why"),
    [
        ([config(NEW), config(OLD)], 0, "its certificate is the newest"),
        ([config(OLD), config(NEW), config(OLD)], 1, "its certificate is the newest"),
        ([config(), config(version="0.75.1")], 0, "its version is the highest"),
        ([config(), config(note="# edited")], 1, "nothing in them tells"),
    ],
)
def test_the_newest_config_is_the_one_whose_certificate_is(configs, place, why):
    found = newest_config(configs)
    assert (found.place, found.why.partition(",")[0]) == (place, why)


def test_a_config_without_a_certificate_is_the_oldest():
    values = yaml.safe_load(CONFIG)
    values["Frontend"]["certificate"] = "none"
    none = ServerConfig.parse(yaml.safe_dump(values).encode())
    assert newest_config([config(OLD), none]).place == 0
