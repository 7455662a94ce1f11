"""Where a drill keeps complete copies: a machine of its own in the network, reached by sftp.

A real sshd with a known host key and one key that may log in; the password is the run's own.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from recovery import commands
from recovery.datastore.repository import PASSWORD_FILE
from recovery.drill import engine
from recovery.drill.names import Run
from recovery.drill.network import Isolated
from recovery.drill.production import write_private

_HOST = 54
"""Its number in the drill's subnet."""
_FOLDER = "/srv/copies"
_COMMAND = (
    f"mkdir -p -m 700 /run/sshd {_FOLDER} /root/.ssh && cp /etc/ssh/drill/* /etc/ssh/ && "
    "cp /etc/ssh/authorized_keys /root/.ssh/ && chmod 600 /root/.ssh/authorized_keys && "
    "exec /usr/sbin/sshd -D -e"
)


@dataclass(frozen=True)
class Copies:
    """The repository's address, for whoever copies; the password's file."""

    repository: str
    password_file: Path


def start_copies(run: Run, network: Isolated, image: str) -> Copies:
    """Starts the machine; returns once its keys are on both sides."""
    folder = run.folder / "copies"
    folder.mkdir(mode=0o700)
    for name in ("identity", "host"):
        commands.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "drill", "-f", str(folder / name)]
        )
    write_private(folder / "password", secrets.token_urlsafe(24).encode())
    address = network.address(_HOST)
    spec = engine.Spec("copies", image, ["sh", "-c", _COMMAND], network.name, address=address)
    name = engine.create(run, spec)
    engine.put_files(
        name,
        "/etc/ssh/",
        {
            "drill/ssh_host_ed25519_key": folder / "host",
            "drill/authorized_keys": folder / "identity.pub",
        },
        0o600,
    )
    engine.start(name)
    kind, key = (folder / "host.pub").read_text().split()[:2]
    (folder / "known_hosts").write_text(f"{address} {kind} {key}\n")
    files = f"identity={folder / 'identity'}&known_hosts={folder / 'known_hosts'}"
    return Copies(f"sftp://root@{address}{_FOLDER}?{files}", folder / "password")


@contextmanager
def opened(copies: Copies | None) -> Iterator[None]:
    """The password's file in the environment, as an operator sets it, for the block."""
    before = os.environ.get(PASSWORD_FILE)
    if copies is not None:
        os.environ[PASSWORD_FILE] = str(copies.password_file)
    try:
        yield
    finally:
        if copies is not None and before is None:
            del os.environ[PASSWORD_FILE]
        elif before is not None:
            os.environ[PASSWORD_FILE] = before
