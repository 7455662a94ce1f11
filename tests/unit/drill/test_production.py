import json
from pathlib import Path

import pytest

from recovery.drill.course import Course
from recovery.drill.name_server import NameServer
from recovery.drill.names import Run
from recovery.drill.production import WRITE_TIME, check_binary, settings, write_private
from recovery.drill.stack import first_deployment, rebuild
from recovery.errors import BadInputError
from recovery.settings import parse_settings
from tests.unit.drill.courses import course

SERVER = NameServer("10.70.3.53", "drill-abc123.test", "update.drill-abc123.test", "c2VjcmV0")


def script(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_a_velociraptor_says_what_it_is(tmp_path):
    real = script(tmp_path / "real", "echo 'name: velociraptor'; echo 'version: 0.77.2'")
    assert vars(check_binary(real)) == {"kind": "velociraptor", "version": "0.77.2"}
    ours = script(tmp_path / "ours", "echo 'name: velociraptor-reference'; echo 'version: \"1\"'")
    assert vars(check_binary(ours)) == {"kind": "reference", "version": "1"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "no executable"),
        ("exit 3", "can't be run"),
        ("echo hello", "not a Velociraptor"),
        ("echo 'name: nginx'; echo 'version: 1'", "not a Velociraptor"),
        ("echo 'name: velociraptor'", "not a Velociraptor"),
    ],
)
def test_anything_else_is_refused_before_anything_is_made(tmp_path, text, words):
    path = tmp_path / "server"
    if text is not None:
        script(path, text)
    with pytest.raises(BadInputError, match=words) as refused:
        check_binary(path)
    assert refused.value.target == str(path)
    assert "--server-binary" in refused.value.hint


def test_a_file_of_another_kind_is_refused(tmp_path):
    path = tmp_path / "server"
    path.write_bytes(b"\x7fELF but no more")
    path.chmod(0o755)
    with pytest.raises(BadInputError, match="can't be run"):
        check_binary(path)


def test_the_config_is_one_that_clients_come_back_to():
    made = settings(Run("abc123"))
    assert made["Client"]["server_urls"] == ["https://velociraptor.drill-abc123.test:8000/"]
    assert made["API"]["bind_address"] == "127.0.0.1"
    assert made["Frontend"]["resources"]["client_info_write_time"] == WRITE_TIME > 11
    json.dumps(made)


def test_private_files_are_private_from_the_first_byte_on(tmp_path):
    write_private(tmp_path / "key", b"x")
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("connect", ["docker", "ssh"])
def test_both_updates_are_of_one_stack(connect):
    made: Course = course(options={"connect": connect})
    first = first_deployment(made, SERVER, Path("/tmp/x.deb"))
    second = rebuild(made, SERVER, "f" * 64)
    assert (first.name, first.folder) == (second.name, second.folder)
    assert first.secrets == second.secrets == {"dnsKeySecret": "c2VjcmV0"}
    assert "c2VjcmV0" not in str(first.settings) + repr(first)
    before = parse_settings({**first.settings, **first.secrets})
    after = parse_settings({**second.settings, **second.secrets})
    assert (before.package, before.vault) == ("/tmp/x.deb", "")
    assert (after.package, after.vault) == ("", str(made.vault))
    assert (after.deployment, after.strategy) == ("f" * 64, ("state", "collections"))
    assert before.docker == after.docker
    assert before.docker.run == "abc123"
    assert before.docker.connect == connect
    assert before.dns == after.dns
    assert before.dns.ttl == 1
