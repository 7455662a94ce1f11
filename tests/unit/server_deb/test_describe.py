import json

from server_deb.build import build_package
from server_deb.config import read_config
from server_deb.contents import read_package
from server_deb.describe import describe, unit_notes
from tests.unit.server_deb.material import NOW, REAL_CONFIG, program
from tests.unit.server_deb.test_contents import BINARY, CONFIG, CONTROL, server_deb

UPSTREAM_POSTINST = b"#!/bin/sh\nsetcap X /usr/local/bin/velociraptor\n/bin/systemctl start v\n"


def test_our_package_is_described(request_for):
    built = build_package(request_for())
    told = describe(read_package(built.path), now=NOW)
    assert told["package"] == "velociraptor-server"
    assert told["version"] == "0.77.2-1"
    assert told["config_fingerprint"] == built.config_fingerprint
    assert told["config_fingerprint_matches"] is True
    assert told["deployment_fingerprint"] == built.deployment_fingerprint
    assert told["config_mode"] == "0640"
    assert told["config_is_conffile"] is True
    assert [one["setting"] for one in told["certificates"]] == [
        "Client.ca_certificate",
        "Frontend.certificate",
        "GUI.gw_certificate",
    ]
    assert told["certificates"][1]["not_after"] == "2027-11-23T06:31:07+00:00"
    assert told["certificates"][1]["days_left"] == 364
    assert told["public_urls"][0] == "https://127.0.0.1:18889/app/index.html"
    assert told["datastore"] == "/srv/lab1/A/ds"
    assert told["starts_at_install"] == "unless held"
    assert told["unit"]["user"] == "velociraptor"
    assert told["unit"]["not_confined_by"] == []
    assert told["notes"] == []
    json.dumps(told)


def test_velociraptors_own_package_is_described(tmp_path):
    path = server_deb(tmp_path, control=[("control", CONTROL), ("postinst", UPSTREAM_POSTINST)])
    told = describe(read_package(path), now=NOW)
    assert told["starts_at_install"] == "at once"
    assert told["config_is_conffile"] is False
    assert told["config_fingerprint_matches"] is None
    assert told["unit"]["user"] == "root"
    assert len(told["notes"]) == 3


def test_a_config_exchanged_after_building_is_noticed(tmp_path):
    control = CONTROL + b"X-Config-Fingerprint: " + b"0" * 64 + b"\n"
    told = describe(read_package(server_deb(tmp_path, control=[("control", control)])), now=NOW)
    assert told["config_fingerprint_matches"] is False
    assert "was changed after it was made" in told["notes"][-1]


def test_no_secret_is_told(request_for):
    told = json.dumps(describe(read_package(build_package(request_for()).path), now=NOW))
    config = read_config(REAL_CONFIG, "c")
    secrets = [config.text(name) for name in ("Client.nonce", "obfuscation_nonce")]
    keys = [
        config.text(name)
        for name in ("Frontend.private_key", "CA.private_key", "GUI.gw_private_key")
    ]
    secrets += [line for key in keys for line in key.splitlines() if len(line) > 20]
    assert len(secrets) > 60
    assert not [secret for secret in secrets if secret in told]


def test_what_a_package_says_can_not_drive_the_terminal(tmp_path):
    config = REAL_CONFIG.replace(b"/srv/lab1/A/ds", b'"/srv/\\e[2J"')
    control = CONTROL + b"Depends: \x1b]0;owned\x07\n"
    path = server_deb(
        tmp_path, [(CONFIG, config), (BINARY, program())], control=[("control", control)]
    )
    told = json.dumps(describe(read_package(path), now=NOW), ensure_ascii=False)
    assert "\\u001b" not in told
    assert "\x1b" not in told


def test_comments_and_other_lines_of_a_unit_do_not_count():
    told = unit_notes("[Service]\n# PrivateTmp=yes\nUser=v\nRestartSec=3s\nProtectHome=yes\n")
    assert (told["user"], told["restart_seconds"]) == ("v", "3s")
    assert told["confined_by"] == ["ProtectHome"]
