"""The server's own settings, changed in place; read by the server's binary first."""

import json
import os

import pytest
from typer.testing import CliRunner

from recovery.capture import configure_server
from recovery.cli import app
from recovery.errors import BadInputError, TargetError
from recovery.target import open_target
from recovery.velociraptor.api import open_api
from recovery.velociraptor.config import SERVICE, ServerConfig
from recovery.velociraptor.paths import CONFIG_PATH

pytestmark = pytest.mark.slow


@pytest.fixture
def config(server, tmp_path):
    path = tmp_path / "server.config.yaml"
    path.write_bytes(server.config.raw + b"# a person's comment\n")
    path.chmod(0o640)
    os.chown(path, 65534, 65534)
    return path


def run(server, config, *words):
    argv = ["configure", "--from", "local://", "--config", str(config)]
    argv += ["--binary", str(server.binary), *words]
    return CliRunner().invoke(app, argv, standalone_mode=False)


def test_the_diff_comes_first_and_a_no_changes_nothing(server, config):
    before = config.read_bytes()
    argv = ["configure", "--from", "local://", "--config", str(config)]
    argv += ["--client-info-write-time", "15s"]
    done = CliRunner().invoke(app, argv, input="n\n", standalone_mode=False)
    assert "client_info_write_time: 15" in done.output
    assert config.read_bytes() == before
    assert run(server, config, "--backup-period", "6h", "--dry-run").exit_code == 0
    assert config.read_bytes() == before
    refused = run(server, config, "--backup-period", "6h", "--json")
    assert isinstance(refused.exception, BadInputError)
    assert config.read_bytes() == before


def test_both_settings_are_written_and_mode_owner_and_comments_stay(server, config):
    link = config.with_name("link.yaml")
    link.symlink_to(config.name)
    done = run(
        *(server, link, "--backup-period", "6h", "--client-info-write-time", "15s"),
        *("--yes", "--json"),
    )
    assert json.loads(done.output)["settings"] == {
        "backup_period_seconds": 21600,
        "client_info_write_time": 15,
    }
    about = config.stat()
    assert (about.st_mode & 0o777, about.st_uid, about.st_gid) == (0o640, 65534, 65534)
    assert link.is_symlink()
    text = config.read_text()
    assert "# a person's comment" in text
    assert ServerConfig.parse(text.encode()).write_time == 15
    assert sorted(path.name for path in config.parent.iterdir()) == [link.name, config.name]
    again = run(server, config, "--backup-period", "6h", "--yes", "--json")
    assert json.loads(again.output)["changed"] is False


def test_the_trap_is_refused(server, config):
    for text in ("5s", "11s"):
        done = run(server, config, "--client-info-write-time", text, "--yes")
        assert isinstance(done.exception, BadInputError)
        assert "never written" in done.exception.message


def test_what_the_binary_refuses_or_another_changed_stays(server, config):
    target = open_target("local://")
    edit = configure_server.setting_edit("backup_period_seconds", 3600)
    plan = configure_server.plan_change(target, str(config), [edit])
    before = config.read_bytes()
    with pytest.raises(TargetError, match="refuses the new config"):
        configure_server.carry_out(target, plan, "/bin/false")
    assert config.read_bytes() == before
    config.write_bytes(before + b"# meanwhile\n")
    with pytest.raises(TargetError, match="someone else"):
        configure_server.carry_out(target, plan, str(server.binary))
    assert config.read_bytes() == before + b"# meanwhile\n"
    assert [path.name for path in config.parent.iterdir()] == [config.name]


def started(host):
    argv = ["systemctl", "show", SERVICE, "--property=ActiveEnterTimestampMonotonic", "--value"]
    return int(host.run(argv).text)


@pytest.mark.docker
def test_restart_makes_it_count_at_once_and_waits_until_the_server_answers(host):
    before = started(host)
    about = host.run(["stat", "-c", "%a %U:%G", CONFIG_PATH]).text
    argv = ["configure", "--from", host.uri, "--yes", "--json"]
    wanted = ["--backup-period", "6h", "--client-info-write-time", "15s"]
    written = CliRunner().invoke(app, [*argv, *wanted], standalone_mode=False)
    assert json.loads(written.output)["restarted"] is None
    assert started(host) == before
    # Nothing is left to write, but what was written does not count yet.
    done = CliRunner().invoke(app, [*argv, *wanted, "--restart"], standalone_mode=False)
    said = json.loads(done.output)
    assert said["changed"] is False
    assert 0 < said["restarted"] < 120
    assert said["settings"] == {"backup_period_seconds": 21600, "client_info_write_time": 15}
    again = started(host)
    assert again > before
    raw = host.get(CONFIG_PATH)
    with open_api(host, ServerConfig.parse(raw)) as api:
        assert api.query("SELECT 1 AS A FROM scope()")[0]["A"] == 1
    both = CliRunner().invoke(app, [*argv, "--backup-period", "12h", "--restart"])
    assert json.loads(both.output)["changed"] is True
    assert started(host) > again
    assert host.run(["stat", "-c", "%a %U:%G", CONFIG_PATH]).text == about
