import hashlib

import pytest

from server_deb import PackageError
from server_deb.config import LARGEST, read_config
from tests.unit.server_deb.material import FIXTURES, REAL_CONFIG, edited


def test_a_real_config_is_read():
    config = read_config(REAL_CONFIG, "server.config.yaml")
    assert config.fingerprint == hashlib.sha256(REAL_CONFIG).hexdigest()
    assert config.public_urls == (
        "https://127.0.0.1:18889/app/index.html",
        "https://127.0.0.1:18000/",
    )
    assert config.folders == {
        "Datastore.location": "/srv/lab1/A/ds",
        "Datastore.filestore_directory": "/srv/lab1/A/ds",
        "Logging.output_directory": "/srv/lab1/A/logs",
    }
    assert config.ports == {"Frontend": 18000, "GUI": 18889, "API": 18001, "Monitoring": 18003}
    assert set(config.certificates) == {
        "Client.ca_certificate",
        "Frontend.certificate",
        "GUI.gw_certificate",
    }


def test_the_deployment_is_the_same_for_all_of_its_configs():
    server = read_config(REAL_CONFIG, "server")
    client = read_config((FIXTURES / "client.config.yaml").read_bytes(), "client")
    changed = read_config(edited({"Frontend.bind_port": 8000}), "changed")
    assert server.deployment == client.deployment == changed.deployment
    assert server.fingerprint != changed.fingerprint


def test_nothing_secret_is_shown_by_repr():
    shown = repr(read_config(REAL_CONFIG, "server.config.yaml"))
    assert "PRIVATE KEY" not in shown
    assert "Hc4K+V0kruc=" not in shown


@pytest.mark.parametrize(
    ("raw", "what", "where"),
    [
        (b"", "it is empty", "c.yaml"),
        (b" \n", "it is empty", "c.yaml"),
        (b"just text", "holds no settings", "c.yaml"),
        (b"- a\n- b\n", "holds no settings", "c.yaml"),
        (b"Frontend:\n  a: 1\n b: 2\n", "not well-formed YAML", "c.yaml, line 3"),
        (b"Frontend: {}\nGUI: {}\nFrontend: {}\n", "given twice", "c.yaml, line 3"),
        (b"Frontend:\n  a: 1\n  a: 2\n", "given twice", "c.yaml, line 3"),
        (b"a: !!python/object/apply:os.system [id]\n", "not well-formed YAML", "c.yaml, line 1"),
        (b"\xff\xfe\x00\xd8", "not", "c.yaml"),
        (b"a: 2026-99-99\n", "not YAML text", "c.yaml"),
        (b"[" * 5000, "not", "c.yaml"),
        (b"a" * (LARGEST + 1), "the most read here", "c.yaml"),
    ],
)
def test_what_is_no_config_is_refused_with_its_place(raw, what, where):
    with pytest.raises(PackageError) as refused:
        read_config(raw, "c.yaml")
    assert what in refused.value.what
    assert refused.value.where.startswith(where)
    assert refused.value.exit_code == 64


def test_a_broken_line_of_a_key_is_not_quoted():
    broken = REAL_CONFIG.replace(b"    MIIEogIBAAKCAQEA4yGEuFjO", b" MIIEogIBAAKCAQEA4yGEuFjO")
    with pytest.raises(PackageError) as refused:
        read_config(broken, "c.yaml")
    assert "MIIEogIB" not in str(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__
