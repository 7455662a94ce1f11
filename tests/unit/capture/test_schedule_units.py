from datetime import timedelta

import pytest
from typer.testing import CliRunner

from recovery.capture.schedule_units import Schedule, calendar, rights, service, timer
from recovery.capture.systemd_units import quoted
from recovery.cli import app
from recovery.errors import BadInputError
from recovery.vault.keys import new_keys, write_keys


def made(**more):
    usual = {
        "commands": (("/x/recovery", "capture", "--vault", "/my vault/50%"),),
        "calendar": "daily",
        "jitter": timedelta(minutes=10),
        "source": "ssh://root@velo.example",
        "writes": ("/my vault/50%",),
    }
    return Schedule(**(usual | more))


@pytest.mark.parametrize(
    ("every", "expected"),
    [
        (timedelta(minutes=15), "*:0/15"),
        (timedelta(hours=1), "0/1:00"),
        (timedelta(hours=6), "0/6:00"),
        (timedelta(days=1), "daily"),
        (timedelta(days=7), "weekly"),
    ],
)
def test_a_rhythm_as_a_calendar(every, expected):
    assert calendar(every) == expected


@pytest.mark.parametrize("minutes", [0, 7, 45, 90, 60 * 5, 60 * 36])
def test_a_rhythm_that_would_not_be_regular_is_refused(minutes):
    with pytest.raises(BadInputError):
        calendar(timedelta(minutes=minutes))


def test_words_mean_themselves():
    assert quoted(["a", "b c", 'd"e', "50%", "$HOME"]) == r'a "b c" "d\"e" "50%%" "$$HOME"'
    with pytest.raises(BadInputError):
        quoted(["a\nExecStart=/bin/sh"])


def test_missed_runs_are_caught_up_and_starts_are_spread():
    lines = timer(made()).splitlines()
    assert {"Persistent=true", "RandomizedDelaySec=600", "OnCalendar=daily"} <= set(lines)


def test_only_the_vault_is_written():
    lines = service(made()).splitlines()
    assert "ProtectSystem=strict" in lines
    assert 'ReadWritePaths="/my vault/50%%"' in lines
    assert "CapabilityBoundingSet=" in lines
    assert 'ExecStart=/x/recovery capture --vault "/my vault/50%%"' in lines


def test_on_the_server_itself_it_may_read_the_servers_files():
    assert "CAP_DAC_READ_SEARCH" in rights("local://")
    assert "CAP_SYS_ADMIN" not in rights("local://")


def invoke(*words):
    argv = ["schedule", "install", "--from", "ssh://velo", "--vault", "/v", "--dry-run", *words]
    return CliRunner().invoke(app, argv, standalone_mode=False)


def test_a_dry_run_shows_both_units_and_no_secret(tmp_path, monkeypatch):
    monkeypatch.chdir("/")  # a clone may lie in /tmp, which the service would not see
    write_keys(new_keys(), tmp_path / "keys")
    done = invoke("--keys", str(tmp_path / "keys"), "--prune", "--prometheus", "p/velo.prom")
    assert done.exit_code == 0
    assert f"Environment=RECOVERY_KEYS={tmp_path / 'keys'}" in done.output
    assert "warning: identity.txt" in done.output
    assert done.output.count("ExecStart=") == 3
    assert "ReadWritePaths=/p" in done.output
    secret = (tmp_path / "keys" / "identity.txt").read_text().strip()
    assert secret not in done.output


@pytest.mark.parametrize(
    "words",
    [
        ("--every", "7m"),
        ("--jitter", "much"),
        ("--rpo", "x"),
        ("--strategy", "stat"),
        ("--strategy", ""),
        ("--keys", "/none"),
        ("--prometheus", "/tmp/x"),
    ],
)
def test_what_the_service_could_not_use_is_refused(words):
    assert isinstance(invoke(*words).exception, BadInputError)
