"""TLS files and folders of definitions that the config names: without them no server starts."""

import datetime as dt
import ssl
from contextlib import closing

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from recovery.errors import BadInputError
from recovery.standby.compare_sides import ServerSide, SpareSide, carry_config
from recovery.target import open_target
from recovery.vault.store import open_vault
from recovery.verify.prove import server_facts
from recovery.verify.run_checks import run_checks
from tests.integration.restore.conftest import fresh_machine, lost_server

pytestmark = [pytest.mark.docker, pytest.mark.velociraptor, pytest.mark.slow]

LIVE = "/etc/letsencrypt/live/velo.example.org"
DEFINITION = b"name: Custom.From.%s\nsources:\n  - query: SELECT 1 AS A FROM scope()\n"
NAMES = "SELECT name, built_in FROM artifact_definitions() WHERE name =~ '^Custom.From'"


def pair():
    """Not the config's own: what certbot keeps."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "velo.example.org")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=30))
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return certificate.public_bytes(Encoding.PEM), secret


@pytest.fixture(scope="module")
def files():
    certificate, key = pair()
    archive = "/etc/letsencrypt/archive/velo.example.org"
    return {
        f"{archive}/cert1.pem": certificate,
        f"{archive}/key1.pem": key,
        "/srv/definitions/one.yaml": DEFINITION % b"One",
        "/srv/definitions/below/two.yml": DEFINITION % b"Two",
        "/srv/definitions/broken.yaml": b"name: [",
        "/srv/definitions/notes.txt": b"no definition",
        "/srv/more/three.yaml": DEFINITION % b"Three",
    }


@pytest.fixture(scope="module")
def captured(server_binary, tmp_path_factory, files):
    def before(target):
        for path, content in files.items():
            target.run(["mkdir", "-p", path.rpartition("/")[0]])
            target.put(content, path, mode=0o644)
        for name in ("cert", "key"):
            link = f"../../archive/velo.example.org/{name}1.pem"
            target.run(["mkdir", "-p", LIVE])
            target.run(["ln", "-s", link, f"{LIVE}/{name}.pem"])

    def fill(_target, api):
        assert len(api.query(NAMES)) == 3
        return {}

    more = {
        "Frontend": {
            "tls_certificate_filename": f"{LIVE}/cert.pem",
            "tls_private_key_filename": f"{LIVE}/key.pem",
            "artifact_definitions_directory": "/srv/definitions",
        },
        "defaults": {"artifact_definitions_directories": ["/srv/more", "/srv/definitions/"]},
    }
    return lost_server(server_binary, tmp_path_factory.mktemp("named"), fill, before, more)


def served_certificate(fresh):
    """The certificate that clients are shown."""
    argv = "openssl s_client -connect 127.0.0.1:8000 </dev/null 2>/dev/null | openssl x509"
    return fresh.run(argv).stdout


def test_a_server_comes_back_with_the_files_that_its_config_names(captured, files):
    assert [path for path in captured.manifest.named.digests if "broken" in path] == []
    with fresh_machine(captured) as fresh:
        fresh.run("mkdir -p /srv/more && echo 'name: Custom.Other' > /srv/more/three.yaml")
        outcomes = fresh.restore("server", strategy=["redeploy"])
        (finding,) = [line for one in outcomes.values() for line in one.findings]
        assert finding.startswith("/srv/more/three.yaml: this machine had another file")
        assert fresh.run("cat /srv/more/three.yaml.~1~").stdout == b"name: Custom.Other\n"
        shown = served_certificate(fresh).decode()
        certificate, key = (files[p] for p in files if "archive" in p)
        assert ssl.PEM_cert_to_DER_cert(shown) == ssl.PEM_cert_to_DER_cert(certificate.decode())
        rows = fresh.query(NAMES)
        assert sorted(row["name"] for row in rows) == [
            f"Custom.From.{n}" for n in ("One", "Three", "Two")
        ]
        assert all(row["built_in"] for row in rows)
        told = f"stat -c '%a %U:%G' {LIVE}/key.pem"
        assert fresh.run(told).stdout == b"640 root:velociraptor\n"
        assert fresh.run(f"cat {LIVE}/key.pem").stdout == key

        with closing(open_target(fresh.uri)) as target:
            facts = server_facts(captured.config, captured.manifest, ["redeploy"])
            assert _check(target, facts) == "passed"
            fresh.run("echo >> /srv/more/three.yaml")
            assert _check(target, facts) == "failed"

            # A spare follows what changes there.
            side = ServerSide(captured.config, "", 0)
            spare = SpareSide("", serves=False, fingerprint=captured.config.fingerprint, last=None)
            with fresh_machine(captured, "test-spare") as other:
                other.restore("standby")
                with closing(open_target(other.uri)) as reader:
                    assert carry_config(side, spare, target, reader) == []
                    assert other.run("cat /srv/more/three.yaml").stdout.endswith(b"\n\n")
                    assert b"~1~" not in other.run("ls /srv/more").stdout


def _check(target, facts):
    found = run_checks(target, facts, None, lambda _line: None)
    (one,) = [check for check in found if check.name == "config: files it names"]
    return one.outcome


def test_a_point_with_a_file_that_the_config_does_not_name_is_refused(captured):
    digests = {**captured.manifest.named.digests}
    moved = digests.pop("/srv/more/three.yaml")
    named = captured.manifest.named.model_copy(
        update={"digests": {**digests, "/srv/more/three.yaml": moved[::-1]}}
    )
    vault = open_vault(str(captured.vault))
    point = "20990101T000000Z-aaaaaa"
    vault.commit(captured.manifest.model_copy(update={"point": point, "named": named}))
    with fresh_machine(captured) as fresh:
        with pytest.raises(BadInputError, match="not the file that the manifest names"):
            fresh.restore("server", strategy=["redeploy"], point=point)
        left = fresh.run("ls -d /etc/velociraptor /srv/more /var/lib/velociraptor*", check=False)
        assert left.stdout == b""
