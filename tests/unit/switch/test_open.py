import pytest

from recovery.errors import BadInputError
from recovery.switch.open import open_switch

GROUP = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/velo/0123456789abcdef"


@pytest.fixture
def key(tmp_path):
    path = tmp_path / "tsig"
    path.write_text("hmac-sha512:recovery:c2VjcmV0\n")
    path.chmod(0o600)
    return path


def test_every_kind_is_known_by_name(key, monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    uris = {
        f"dns://192.0.2.53/velo.example.org?key={key}": "velo.example.org (DNS)",
        "route53://velo.example.org?ttl=30": "velo.example.org (Route 53)",
        f"targetgroup://{GROUP}?port=8000": "targetgroup/velo/0123456789abcdef (AWS)",
        "haproxy://192.0.2.9:9999/velo": "backend velo (HAProxy 192.0.2.9:9999)",
        "haproxy:///run/haproxy/admin.sock?backend=velo": "backend velo (HAProxy "
        "/run/haproxy/admin.sock)",
    }
    assert {uri: open_switch(uri).name for uri in uris} == uris


def test_the_key_is_read_from_its_file_and_never_shown(key):
    switch = open_switch(f"dns://192.0.2.53/velo.example.org?key={key}")
    assert switch.door.key_algorithm == "hmac-sha512"
    assert switch.door.zone == "example.org"
    assert "c2VjcmV0" not in repr(switch)


@pytest.mark.parametrize(
    "uri",
    [
        "velo.example.org",
        "ftp://velo.example.org",
        "dns://192.0.2.53",
        "dns://ns.example.org/velo.example.org",
        "dns://192.0.2.53/velo.example.org?ttl=soon",
        "dns://192.0.2.53/velo.example.org?secret=x",
        "targetgroup://arn:aws:elasticloadbalancing:eu-west-1:1:loadbalancer/net/velo/1",
        "haproxy://192.0.2.9/velo",
        "haproxy://192.0.2.9:9999",
        "haproxy:///run/admin.sock",
        "haproxy://192.0.2.9:9999/velo;disable frontend all",
    ],
)
def test_anything_else_is_bad_input(uri):
    with pytest.raises(BadInputError):
        open_switch(uri)


@pytest.mark.parametrize(
    ("content", "mode", "words"),
    [
        ("recovery:c2VjcmV0", 0o644, "others can read it"),
        ("recovery:c2VjcmV0", 0o640, "others can read it"),
        ("recovery:abc", 0o600, "not a TSIG key"),
        ("recovery:not base64!", 0o600, "not a TSIG key"),
        ("recovery:", 0o600, "not a TSIG key"),
        ("c2VjcmV0", 0o600, "not a TSIG key"),
        ("hmac-foo:recovery:c2VjcmV0", 0o600, "not an algorithm of TSIG: 'hmac-foo'"),
    ],
)
def test_a_key_that_would_fail_in_the_disaster_is_refused_beforehand(key, content, mode, words):
    key.write_text(content)
    key.chmod(mode)
    with pytest.raises(BadInputError, match=words) as refused:
        open_switch(f"dns://192.0.2.53/velo.example.org?key={key}")
    assert "c2VjcmV0" not in str(refused.value)


def test_a_key_file_that_is_none(tmp_path):
    for path in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(BadInputError, match="can't read it"):
            open_switch(f"dns://192.0.2.53/velo.example.org?key={path}")
