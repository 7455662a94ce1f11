"""The recovery's own process is killed at every step and at random moments: all end equal.

Three random moments; `make kills` (RECOVERY_KILLS=50) makes them fifty, kills right after each
step too, and adds the second strategy, lost connections and full disks.
"""

import contextlib
import os
import random
import signal
import subprocess
import threading
import time

import pytest

from recovery.restore.context import Context
from recovery.restore.cut_off import cut_off
from recovery.restore.request import parse_request
from recovery.restore.run_group import STEPS
from tests.integration.restore.conftest import CLONE, fresh_machine, same, until
from tests.integration.target.machines import not_here, open_ssh

pytestmark = [
    pytest.mark.docker,
    pytest.mark.velociraptor,
    pytest.mark.slow,
    pytest.mark.timeout(3600),
]
KILLS = int(os.environ.get("RECOVERY_KILLS", "3"))
LONG = KILLS >= 50
long = pytest.mark.skipif(not LONG, reason="takes long: `make kills` runs it")
STRATEGIES = ["state,collections", "backup,collections"][: 2 if LONG else 1]
LONGEST = 12.0
"""Seconds after its start at which a run is killed at the latest: about when it would end."""
SEED = int(os.environ.get("RECOVERY_KILL_SEED", "20261125"))


class Run:
    """One `recovery restore` as an operator starts it, in a process group of its own."""

    def __init__(self, fresh, *words: str) -> None:
        self.lines: list[str] = []
        self._process = subprocess.Popen(
            fresh.command(*words),
            cwd=CLONE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        with self._process.stderr as stream:
            for line in stream:
                self.lines.append(line.rstrip())

    def kill_when(self, said) -> bool:
        """SIGKILL as soon as ``said(lines)``; False when it ended before."""
        while self._process.poll() is None:
            if said(self.lines):
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._process.pid, signal.SIGKILL)
                break
            time.sleep(0.005)
        code = self._process.wait()
        self._reader.join(10)
        return code == -signal.SIGKILL

    def wait_for(self, said: str) -> None:
        """Returns as soon as a line begins so."""
        while not any(line.startswith(said) for line in self.lines):
            assert self._process.poll() is None, self.lines
            time.sleep(0.002)

    def end(self) -> int:
        code = self._process.wait(300)
        self._reader.join(10)
        return code


def finish(fresh, *words: str):
    """The run that isn't killed: everything is back, once, and it says so."""
    run = Run(fresh, *words)
    code = run.end()
    text = "\n".join(run.lines)
    assert same(fresh.captured.manifest.inventory, fresh.inventory()) == {}, text
    # Exit code 1 is for clients that nobody brings along here: they are looked for by name.
    assert code in (0, 1), text
    assert not [line for line in run.lines if line.startswith("error")], text
    return run


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_killed_at_every_step(captured, strategy):
    """One machine, killed at the beginning of each step, and right after it."""
    steps = [step.name for group in ("server", "collections") for step in STEPS[group]]
    words = ["--strategy", strategy]
    killed = 0
    said = {}
    with fresh_machine(captured, "test-kills") as fresh:
        for step in steps:
            for ending in (f"{step} …", f"{step}: ")[: 2 if LONG else 1]:
                run = Run(fresh, *words)
                killed += run.kill_when(
                    lambda lines, ending=ending: any(line.startswith(ending) for line in lines)
                )
                said.setdefault(step, cut_off_on(fresh))
        run = Run(fresh, *words)
        run.end()
        for step in ("place the state", "import the archives"):
            assert f"was cut off at '{step}'" in said[step][0]
            assert f"--to {fresh.uri}" in said[step][0]
        assert said["review what runs code"] == cut_off_on(fresh) == []
        assert killed >= len(steps) - 1  # a step that is over at once can't be met
        without = () if "state" in strategy else ONLY_STATE
        assert same(captured.manifest.inventory, fresh.inventory(), without) == {}, run.lines


def cut_off_on(fresh) -> list[str]:
    """What `recovery verify` says of it."""
    request = parse_request(target=fresh.uri, vault=str(fresh.captured.vault))
    with Context(request, lambda _line: None) as context:
        until(
            lambda: "at work" not in "".join(cut_off(context))
        )  # the lock outlives a kill a little
        return cut_off(context)


ONLY_STATE = {
    "passwords",
    "user_options",
    "client_metadata",
    "server_metadata",
    "client_monitoring",
    "server_monitoring",
    "secrets",
}


def test_killed_at_random_moments(captured):
    """Kills in a row on one machine until a run gets through; then the next machine."""
    moments = random.Random(SEED)  # noqa: S311 - repeatable on purpose
    kills = machines = 0
    while kills < KILLS:
        with fresh_machine(captured, "test-kills") as fresh:
            machines += 1
            while kills < KILLS:
                run = Run(fresh)
                until = time.monotonic() + moments.uniform(0.5, LONGEST)
                if not run.kill_when(lambda _lines, until=until: time.monotonic() > until):
                    break
                kills += 1
            finish(fresh)
    assert machines


def test_the_server_is_killed_while_it_imports(captured):
    """kill -9 of the server ends the run with an error that says what to do; then it goes on."""
    with fresh_machine(captured, "test-kills") as fresh:
        run = Run(fresh)
        run.wait_for("import the archives …")
        fresh.run("systemctl kill --kill-who=all --signal=SIGKILL velociraptor_server")
        run.end()
        fresh.run("systemctl reset-failed velociraptor_server; systemctl start velociraptor_server")
        finish(fresh)


@long
@pytest.mark.parametrize("step", ["place the state", "import the archives"])
def test_a_lost_connection_is_said_and_survived(captured, tmp_path, step):
    """Every SSH session on the machine ends at once, in the middle of a step."""
    with fresh_machine(captured, "test-kills") as fresh:
        way = open_ssh(fresh.machine, tmp_path)
        run = Run(fresh, "--to", way.uri)
        run.wait_for(f"{step} …")
        fresh.run("kill -9 $(pgrep -x sshd)", check=False)
        fresh.run("systemctl reset-failed ssh; systemctl start ssh")
        code = run.end()
        assert code in (0, 1, 2), run.lines
        if code == 2:
            assert any("next:" in line for line in run.lines), run.lines
        finish(fresh, "--to", way.uri)


def test_two_at_once_wait_for_each_other(captured):
    """The second finds everything done."""
    with fresh_machine(captured, "test-kills") as fresh:
        both = [Run(fresh), Run(fresh)]
        assert all(run.end() in (0, 1) for run in both)
        said = [line for run in both for line in run.lines]
        assert any("another recovery is at work" in line for line in said)
        assert sum("already done on this machine" in line for line in said) >= 2
        assert same(captured.manifest.inventory, fresh.inventory()) == {}


@long
def test_a_full_disk_is_said_and_survived(captured):
    """The datastore's disk is full before, and again in the middle; space is made; it goes on."""
    with fresh_machine(captured, "test-kills") as fresh:
        mounted = fresh.run(
            "mkdir -p /var/lib/velociraptor && mount -t tmpfs -o size=120m tmpfs "
            "/var/lib/velociraptor",
            check=False,
        )
        if mounted.returncode:
            not_here("this engine does not let a container mount a small disk")
        fresh.run("cd /var/lib/velociraptor && mkdir acl && fallocate -l 119m fill || true")
        run = Run(fresh)
        assert run.end() == 2
        assert any("space" in line.lower() or "error" in line for line in run.lines)
        fresh.run("rm /var/lib/velociraptor/fill")
        run = Run(fresh)
        run.wait_for("import the archives …")
        fresh.run(
            "fallocate -l 200m /var/lib/velociraptor/fill 2>/dev/null; "
            "head -c 200M /dev/zero >> /var/lib/velociraptor/fill || true"
        )
        run.end()
        fresh.run("rm /var/lib/velociraptor/fill")
        finish(fresh)
