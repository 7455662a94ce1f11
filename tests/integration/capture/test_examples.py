"""The examples of docs/schedule.md, executed as they are printed there."""

import json
import os
import re
import shlex
import subprocess
import textwrap
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from recovery.vault.keys import new_keys, write_keys
from recovery.vault.open import open_shelf
from recovery.vault.shelf_vault import ShelfVault

from .served_machine import CLONE, RECOVERY

pytestmark = [pytest.mark.docker, pytest.mark.slow]
PRINTED = (CLONE / "docs" / "schedule.md").read_text()
WORKFLOW = (CLONE / "docs" / "capture-ci.workflow.yml").read_text()
LOCK = "/run/recovery.lock"
WAITED = "/srv/quick/waited"


@dataclass(frozen=True)
class Line:
    """One line of a system crontab, and the settings above it."""

    settings: dict[str, str]
    schedule: list[str]
    user: str
    command: str


def printed_cron() -> Line:
    """The only table in the text below **cron**."""
    block = PRINTED.split("**cron**", 1)[1].split("\n\n")[1]
    lines = textwrap.dedent(block).strip().splitlines()
    settings = dict(line.split("=", 1) for line in lines[:-1])
    *schedule, user, command = lines[-1].split(maxsplit=6)
    return Line(settings, schedule, user, command)


@pytest.fixture(scope="module")
def cron_host(host, ssh_way):
    """The machine as the example has it: its name, its folders, its keys; and it reaches itself."""
    host.put(ssh_way.identity, "/root/.ssh/id_ed25519", mode=0o600)
    (key,) = [line.split(" ", 1)[1] for line in ssh_way.known_hosts.read_text().splitlines()]
    host.put(f"velociraptor.example {key}\n".encode(), "/root/.ssh/known_hosts", mode=0o600)
    host.put(f'#!/bin/sh\necho "$1" >> {WAITED}\n'.encode(), "/srv/quick/sleep", mode=0o755)
    keys = printed_cron().settings["RECOVERY_KEYS"]
    for argv in (
        ["sh", "-c", "echo 127.0.0.1 velociraptor.example >> /etc/hosts"],
        ["mkdir", "-p", "/vault", "/opt/recovery", keys],
        ["ln", "-s", str(RECOVERY.parents[1]), "/opt/recovery/.venv"],
        [str(RECOVERY), "vault", "init", "--keys", "/root/all-keys"],
    ):
        host.run(argv)
    # As the text above it says: the key that opens stays away.
    for name in ("recipients.txt", "catalog.txt", "signing.key"):
        host.run(["cp", "-p", f"/root/all-keys/{name}", keys])
    return host


def as_cron(host, line, *before):
    """What cron does with a line: a shell, and an environment of very little."""
    env = {"HOME": "/root", "LOGNAME": line.user, "SHELL": "/bin/sh", **line.settings}
    # Only the waiting is cut short; how long it would have been is noted.
    words = [f"{name}={value}" for name, value in env.items()] + ["PATH=/srv/quick:/usr/bin:/bin"]
    argv = [*before, "env", "-i", "--chdir=/root", *words, "/bin/sh", "-c", line.command]
    return host.run(argv, timeout=300, check=False)


def points(host):
    argv = ["env", "RECOVERY_KEYS=/root/all-keys", str(RECOVERY), "points", "list"]
    return json.loads(host.run([*argv, "--vault", "/vault", "--json"], timeout=60).text)


def test_the_cron_example_captures_and_two_runs_do_not_meet(cron_host):
    line = printed_cron()
    assert line.user == "root"
    assert all(re.fullmatch(r"[\d*/,-]+", field) for field in line.schedule)
    assert "%" not in line.command  # cron would take it for the end of the line
    as_cron(cron_host, line)
    said = cron_host.run(["journalctl", "--identifier=recovery", "--output=cat"]).text
    (point,) = points(cron_host)
    assert f"recovery point {point['point']} is in /vault" in said
    (waited,) = cron_host.get(WAITED).split()
    assert 0 <= int(waited) <= 600
    as_cron(cron_host, line, "flock", LOCK)
    assert len(points(cron_host)) == 1


def with_secrets(text, secrets):
    return re.sub(r"\$\{\{ secrets\.(\w+) \}\}", lambda found: secrets[found[1]], str(text))


def run_step(step, secrets, env, told):
    """As a runner does: the job's environment, the step's own, and what steps before have set."""
    for line in told.read_text().splitlines() if told.exists() else []:
        name, value = line.split("=", 1)
        env[name] = value
    own = {name: with_secrets(value, secrets) for name, value in step.get("env", {}).items()}
    return subprocess.run(
        ["bash", "-e", "-c", step["run"]],
        cwd=CLONE,
        env={**os.environ, **env, **own},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.usefixtures("host")
def test_the_ci_example_captures_and_removes_its_keys(ssh_way, s3, tmp_path):
    keys = new_keys()
    write_keys(keys, tmp_path / "all")
    files = ["recipients.txt", "catalog.txt", "signing.key"]
    packed = f"tar -c -C {shlex.quote(str(tmp_path / 'all'))} {' '.join(files)} | base64"
    bundle = subprocess.run(["sh", "-c", packed], capture_output=True, text=True, check=True)
    secrets = {
        "CAPTURE_SSH_KEY": ssh_way.identity.read_text(),
        "KNOWN_HOSTS": ssh_way.known_hosts.read_text(),
        "CAPTURE_KEYS": bundle.stdout,
        "VAULT_KEY_ID": s3.access_key,
        "VAULT_SECRET": s3.secret_key,
    }
    uri = s3.uri(s3.bucket(), "velociraptor")
    address = ssh_way.known_hosts.read_text().split()[0]
    # What a person puts in place of the example's names.
    text = WORKFLOW.replace("s3://BUCKET/velociraptor?region=eu-central-1", uri)
    assert text != WORKFLOW
    (job,) = yaml.safe_load(text.replace("velociraptor.example", address))["jobs"].values()
    temp, told = tmp_path / "temp", tmp_path / "told"
    temp.mkdir()
    env = {name: with_secrets(value, secrets) for name, value in job["env"].items()}
    env |= {"RUNNER_TEMP": str(temp), "GITHUB_ENV": str(told), "XDG_STATE_HOME": str(tmp_path)}
    checkout, *steps = job["steps"]
    assert checkout["uses"].startswith("actions/checkout@")
    for step in steps:
        done = run_step(step, secrets, env, told)
        assert done.returncode == 0, (step, done.stdout, done.stderr)
        if step.get("name", "").startswith("keys"):
            modes = {path.stat().st_mode & 0o077 for path in temp.rglob("*")}
            assert modes == {0}
        for secret in ("CAPTURE_SSH_KEY", "CAPTURE_KEYS", "VAULT_SECRET"):
            assert secrets[secret].strip() not in done.stdout + done.stderr
    assert list(temp.iterdir()) == []
    (point,) = ShelfVault(open_shelf(uri), keys).points()
    assert point.gaps == []
    assert point.state


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.usefixtures("host")
@pytest.mark.parametrize("shown", ["another", "none"])
def test_a_wrong_host_key_refuses_the_capture_and_leaves_the_vault(ssh_way, tmp_path, shown):
    """``another``: the known key is not the one that the machine shows."""
    vault = tmp_path / "vault"
    words = [str(RECOVERY), "capture", "--vault", str(vault), "--strategy", "redeploy", "--json"]
    env = {**os.environ, "XDG_STATE_HOME": str(tmp_path / "state")}
    subprocess.run([*words, "--from", ssh_way.uri], env=env, check=True, capture_output=True)
    before = tree(vault)
    argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "other")]
    subprocess.run(argv, check=True)
    address = ssh_way.known_hosts.read_text().split()[0]
    known = tmp_path / "known_hosts"
    line = f"{address} {(tmp_path / 'other.pub').read_text()}"
    known.write_text(line if shown == "another" else "")
    uri = ssh_way.uri.replace(str(ssh_way.known_hosts), str(known))
    done = subprocess.run([*words, "--from", uri], env=env, capture_output=True, check=False)
    assert done.returncode == 2
    said = json.loads(done.stdout)["error"]
    assert said["step"] == "connect"
    assert address in said["target"]
    assert "Host key verification failed" in said["message"]
    assert "source you trust" in said["hint"]
    assert known.read_text() == (line if shown == "another" else "")
    assert tree(vault) == before
