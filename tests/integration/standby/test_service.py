"""The pair kept by the hardened service of a third machine, which reaches both by SSH."""

import itertools
import json
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from recovery.standby.watch_unit import NAME, UNIT
from recovery.target import open_target
from recovery.velociraptor.config import SERVICE
from tests.integration.standby.conftest import CLONE, LONG, until
from tests.integration.target.machines import IMAGE

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(600), LONG]
VAULT, METRICS = "/srv/vault", "/srv/metrics/standby.prom"
BOOT = ["--cap-add", "SYS_ADMIN", "--cgroupns=private", "--tmpfs", "/run", "--tmpfs", "/run/lock"]
GATHER = (
    "set -e; mkdir -p -m 700 /root/.ssh; ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519; "
    "cat /root/.ssh/id_ed25519.pub"
)


@pytest.fixture(scope="module")
def keeper(scene):
    """A machine with systemd and this toolkit, in the pair's network; both machines trust it."""
    if CLONE.is_relative_to("/tmp") or CLONE.is_relative_to("/var/tmp"):
        pytest.skip("the clone lies below /tmp, which a service with a /tmp of its own can't see")
    name = scene.one.replace("-one-", "-keeper-")
    seen = sorted({sys.base_prefix, sys.prefix, str(CLONE)})
    shared = [word for path in seen for word in ("--volume", f"{path}:{path}:ro")]
    at = ["--detach", "--name", name, "--network", scene.network]
    with ExitStack() as stack:
        subprocess.run(
            ["docker", "run", *at, *BOOT, *shared, IMAGE, "/sbin/init"],
            check=True,
            capture_output=True,
        )
        remove = ["docker", "rm", "--force", name]
        stack.callback(subprocess.run, remove, check=True, capture_output=True)
        target = open_target(f"docker://{name}")
        stack.callback(target.close)
        target.run(["systemctl", "is-system-running", "--wait"], check=False)
        public = target.run(["sh", "-c", GATHER]).text
        known = []
        for machine in (scene.one, scene.two):
            trust = f"mkdir -p -m 700 /root/.ssh; echo '{public}' >> /root/.ssh/authorized_keys"
            scene.run(machine, trust)
            keys = scene.run(machine, "systemctl start ssh; cat /etc/ssh/ssh_host_*_key.pub")
            known += [f"{scene.addresses[machine]} {line}" for line in keys.splitlines()]
        target.put("\n".join([*known, ""]).encode(), "/root/.ssh/known_hosts", mode=0o600)
        yield target


def recovery(keeper, *words, check=True):
    argv = [str(Path(sys.prefix) / "bin" / "recovery"), *words]
    return keeper.run(argv, timeout=300, check=check)


def test_it_keeps_the_lag_below_a_minute_and_takes_over_and_follows_the_other_way(scene, keeper):
    one, two = (f"ssh://root@{scene.addresses[name]}" for name in (scene.one, scene.two))
    vault = ("--vault", VAULT)
    recovery(keeper, "capture", "--from", one, *vault, "--strategy", "redeploy")
    recovery(keeper, "standby", "init", "--active", one, "--spare", two, *vault)
    schedule = ("standby", "schedule")
    refused = recovery(keeper, *schedule, "install", *vault, "--promote-after", "5s", check=False)
    assert refused.returncode == 64
    options = ("--promote-after", "5s", "--no-switch", "--prometheus", METRICS)
    recovery(keeper, *schedule, "install", *vault, *options)
    until(lambda: metrics(keeper).get("velociraptor_standby_lag_seconds"))
    ages: list[float] = []

    def synced_again() -> bool:
        """Its copy got younger: by the service alone, at its default rhythm of half a minute."""
        status = recovery(keeper, "standby", "status", *vault, "--json", check=False)
        ages.append(json.loads(status.text)["lag"])
        return any(after < before for before, after in itertools.pairwise(ages))

    until(synced_again)
    assert max(ages) < 60
    assert recovery(keeper, *schedule, "show").text.startswith("runs since")

    scene.run(scene.one, f"systemctl stop {SERVICE}")
    until(lambda: scene.serves() == [scene.two])
    # The service goes on by itself, in the other direction.
    until(lambda: metrics(keeper).get("velociraptor_standby_epoch") == 2.0)
    until(lambda: (metrics(keeper).get("velociraptor_standby_lag_seconds") or 99) < 60)
    log = keeper.run(["journalctl", "-u", NAME, "-o", "cat", "--no-pager"]).text
    assert "ill for" in log
    assert "Traceback" not in log
    assert scene.serves() == [scene.two]


def test_the_unit_is_hardened(keeper):
    argv = ["systemd-analyze", "security", "--no-pager", UNIT]
    score = float(keeper.run(argv).text.rsplit(f"{UNIT}: ", 1)[1].split()[0])
    assert score < 3.0


def test_it_is_taken_away_again(scene, keeper):
    assert recovery(keeper, "standby", "schedule", "remove").text == "removed"
    assert recovery(keeper, "standby", "schedule", "remove").text == "there was none"
    assert recovery(keeper, "standby", "schedule", "show", check=False).returncode == 1
    assert scene.serves() == [scene.two]


def test_it_may_be_kept_by_one_of_the_two_itself(scene, keeper):
    """Named `local://` there; the pair has a name that the other machine can use as well."""
    two, vault = f"ssh://root@{scene.addresses[scene.two]}", ("--vault", VAULT)
    recovery(keeper, "standby", "init", "--active", two, "--spare", "local://", *vault)
    options = ("--promote-after", "5s", "--no-switch")
    recovery(keeper, "standby", "schedule", "install", *vault, *options)
    assert "ProtectSystem=full" in keeper.run(["systemctl", "cat", UNIT]).text

    def status():
        told = recovery(keeper, "standby", "status", *vault, "--json", check=False)
        return json.loads(told.text)

    until(lambda: (status()["lag"] or 99) < 60)
    scene.run(scene.two, f"systemctl stop {SERVICE}")
    active = ["systemctl", "is-active", SERVICE]
    until(lambda: keeper.run(active, check=False).text == "active")
    assert scene.serves() == []
    until(lambda: status()["serves"]["service"] == "active")
    address = keeper.run(["hostname", "-I"]).text.split()[0]
    assert status()["serves"]["uri"] == f"ssh://root@{address}"
    recovery(keeper, "standby", "schedule", "remove")


def metrics(keeper) -> dict[str, float]:
    found = keeper.run(["sh", "-c", f"cat {METRICS} 2>/dev/null || :"]).text.splitlines()
    pairs = (line.rpartition(" ") for line in found if not line.startswith("#"))
    return {name: float(value) for name, _, value in pairs}
