"""A regular capture by systemd on a machine of its own: installed, run by the hardened unit."""

import json
import time

import pytest

from recovery.capture.schedule_units import NAME
from recovery.capture.systemd_units import UNITS
from recovery.vault.open import open_vault

from .conftest import MOUNTED
from .served_machine import RECOVERY

pytestmark = [pytest.mark.docker, pytest.mark.slow]
THERE = f"{MOUNTED}/vault"


@pytest.fixture
def vault(mounted):
    return mounted / "vault"


def recovery(host, *words, check=True):
    return host.run([str(RECOVERY), *words], timeout=300, check=check)


def test_the_timer_runs_and_its_hardened_service_captures(host, vault):
    said = recovery(
        *(host, "schedule", "install", "--from", "local://", "--vault", THERE),
        *("--every", "1h", "--jitter", "1m", "--prune"),
        *("--prometheus", "/var/lib/node-exporter/velo.prom"),
    )
    assert "next: " in said.text
    assert host.run(["systemctl", "is-enabled", f"{NAME}.timer"]).text == "enabled"
    ran = host.run(["systemctl", "start", f"{NAME}.service"], timeout=300, check=False)
    assert ran.returncode == 0, host.run(["journalctl", "-u", NAME, "-n", "40"]).text
    (point,) = open_vault(str(vault), {}).points()
    assert point.gaps == []
    assert point.state
    assert b"velociraptor_recovery_ready" in host.get("/var/lib/node-exporter/velo.prom")
    found = json.loads(recovery(host, "schedule", "show", "--json").text)
    assert found["next"]
    assert found["last"]["result"] == "success"
    assert found["last"]["ended"]


def test_the_unit_is_hardened(host):
    argv = ["systemd-analyze", "security", "--no-pager", f"{NAME}.service"]
    score = float(host.run(argv).text.rsplit("recovery-capture.service: ", 1)[1].split()[0])
    assert score < 3.0  # 2.5; root's right to read the server's files costs most of it


def test_a_run_that_was_missed_is_caught_up(host, vault):
    """As after two days off: the timer's note of its last run is old when it is started."""
    before = len(open_vault(str(vault), {}).points())
    recovery(host, "schedule", "install", "--from", "local://", "--vault", THERE, "--jitter", "1s")
    host.run(["systemctl", "stop", f"{NAME}.timer"])
    host.run(["touch", "--date=2 days ago", f"/var/lib/systemd/timers/stamp-{NAME}.timer"])
    host.run(["systemctl", "start", f"{NAME}.timer"])
    deadline = time.monotonic() + 120
    while len(open_vault(str(vault), {}).points()) == before:
        assert time.monotonic() < deadline, host.run(["systemctl", "list-timers", "--all"]).text
        time.sleep(1)


def test_a_unit_that_systemd_refuses_changes_nothing(host):
    before = host.get(f"{UNITS}/{NAME}.timer")
    done = recovery(
        *(host, "schedule", "install", "--from", "local://", "--vault", THERE),
        *("--on-calendar", "every full moon"),
        check=False,
    )
    assert done.returncode == 2
    assert b"cron" in done.stderr
    assert host.get(f"{UNITS}/{NAME}.timer") == before
    assert host.run(["systemctl", "is-active", f"{NAME}.timer"]).text == "active"


def test_it_is_taken_away_again(host, vault):
    assert recovery(host, "schedule", "remove").text == "removed"
    assert recovery(host, "schedule", "remove").text == "there was none"
    assert recovery(host, "schedule", "show", check=False).returncode == 1
    left = host.run(["systemctl", "list-unit-files", "--no-legend", f"{NAME}*"], check=False)
    assert left.text == ""
    assert open_vault(str(vault), {}).points()
