"""Machines for tests: systemd containers, and the way into one by SSH."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pytest

from recovery.infra.docker_engine import Wanted, create, expect, remove
from recovery.target import open_target

IMAGE = os.environ.get("RECOVERY_BASE_IMAGE", "velociraptor-recovery-base:current")


@dataclass(frozen=True)
class Machine:
    """A running container, and its address in the engine's bridge."""

    name: str
    address: str

    @property
    def uri(self) -> str:
        return f"docker://{self.name}"


def not_here(words: str) -> NoReturn:
    """Skips; but fails where these very tests were asked for (`make kills`)."""
    if os.environ.get("RECOVERY_KILLS"):
        pytest.fail(words, pytrace=False)
    pytest.skip(words)


def need_engine() -> None:
    """Skips where no engine answers with the base image.

    Asked by the command line: the library leaves a socket open where nothing answers.
    """
    if (
        not shutil.which("docker")
        or subprocess.run(
            ["docker", "image", "inspect", IMAGE], capture_output=True, check=False
        ).returncode
    ):
        not_here(f"no Docker engine with the image {IMAGE}: `make setup` makes both")


@contextmanager
def machine(prefix: str) -> Iterator[Machine]:
    """A fresh machine, removed at the end; the test is skipped where no engine answers."""
    need_engine()
    found = create(Wanted(image=IMAGE, prefix=prefix))
    try:
        yield Machine(found.name, expect(found.name).address)
    finally:
        remove(found.name)


@dataclass(frozen=True)
class SshWay:
    """Files that open a machine by SSH, and the URI that names them."""

    uri: str
    identity: Path
    known_hosts: Path


def open_ssh(host: Machine, folder: Path) -> SshWay:
    """Starts the machine's sshd under a host key made beforehand; waits until it answers."""
    folder.chmod(0o700)
    for name in ("identity", "host"):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True
        )
    target = open_target(host.uri)
    host_key = "/etc/ssh/ssh_host_ed25519_key"
    target.put(folder / "host", host_key, mode=0o600)
    target.put(folder / "host.pub", f"{host_key}.pub", mode=0o644)
    target.run(["install", "-d", "-m", "700", "/root/.ssh"])
    target.put(folder / "identity.pub", "/root/.ssh/authorized_keys", mode=0o600)
    target.run(["systemctl", "enable", "--now", "ssh.service"])
    known = folder / "known_hosts"
    known.write_text(f"{host.address} {(folder / 'host.pub').read_text()}")
    files = f"identity={folder / 'identity'}&known_hosts={known}"
    way = SshWay(f"ssh://root@{host.address}?{files}", folder / "identity", known)
    _wait_for_port(target, 22)
    target.close()
    return way


def let_in_by_sudo(host: Machine, way: SshWay, user: str = "admin", rights: str = "ALL") -> str:
    """A person's own account, with the same key and sudo without a password; gives its URI."""
    target = open_target(host.uri)
    target.run(["useradd", "--create-home", "--shell", "/bin/sh", user])
    key = way.identity.with_suffix(".pub")
    owner = f"{user}:{user}"
    target.run(["install", "-d", "-m", "700", "-o", user, "-g", user, f"/home/{user}/.ssh"])
    target.put(key, f"/home/{user}/.ssh/authorized_keys", mode=0o600, owner=owner)
    if rights:
        line = f"{user} ALL=(ALL) NOPASSWD: {rights}\n"
        target.put(line.encode(), f"/etc/sudoers.d/{user}", mode=0o440)
    target.close()
    return way.uri.replace("ssh://root@", f"ssh://{user}@")


def _wait_for_port(target, port):
    for _ in range(100):
        probe = f"exec 3<>/dev/tcp/127.0.0.1/{port}"
        if target.run(["bash", "-c", probe], check=False).returncode == 0:
            return
        time.sleep(0.1)
    raise AssertionError(f"nothing listens on {port}")
