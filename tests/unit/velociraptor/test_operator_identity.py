"""The certificate by which the toolkit asks a server: of its CA, in its name, for long enough."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509

from recovery.velociraptor.config import ServerConfig
from recovery.velociraptor.operator_identity import operator_identity

REAL = Path(__file__).parents[2] / "fixtures" / "velociraptor-0.77.2"
CONFIG = ServerConfig.parse((REAL / "server.config.yaml").read_bytes())


def test_it_is_of_the_servers_own_ca_and_in_its_name():
    made = x509.load_pem_x509_certificate(operator_identity(CONFIG).certificate)
    made.verify_directly_issued_by(CONFIG.ca_certificate)
    (name,) = made.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    assert name.value == CONFIG.server_name


def test_it_holds_on_a_machine_whose_clock_is_hours_off_and_for_a_long_import():
    made = x509.load_pem_x509_certificate(operator_identity(CONFIG).certificate)
    now, hours = datetime.now(UTC), timedelta(hours=14)
    assert made.not_valid_before_utc < now - hours
    assert now + hours < made.not_valid_after_utc < now + timedelta(days=2)
