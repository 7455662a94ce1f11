"""A machine reached by SSH, through the OpenSSH client (see docs/adr/0002).

The operator's own ssh configuration, agent and jump hosts work as they do by hand. The
host key must be known beforehand: an unknown one is refused, never learned.
"""

import re
import shlex
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from recovery import commands
from recovery.commands import Result, shown
from recovery.errors import CommandError, TargetError
from recovery.target.files import get_file, put_file, remote_command
from recovery.target.protocol import LOOPBACK

_SSH_FAILED = 255
_ROOT = "root"
# sudo's own words, or those of a shell that has none.
_SUDO_REFUSES = re.compile(r"(?:\w+: (?:line )?(?:\d+: )?)?sudo: ")


class SshTarget:
    """Commands over one multiplexed SSH connection, as root: by ``user`` itself, or its sudo."""

    def __init__(
        self,
        host: str,
        *,
        user: str = "root",
        port: int = 22,
        identity: str | None = None,
        known_hosts: str | None = None,
    ) -> None:
        self._host, self._user, self._port = host, user, port
        self._identity, self._known_hosts = identity, known_hosts
        self.uri = f"ssh://{user}@{f'[{host}]' if ':' in host else host}:{port}"
        self._folder = Path(tempfile.mkdtemp(prefix="recovery-ssh-"))

    @property
    def testinfra_uri(self) -> str:
        """The same host for testinfra's ssh backend, with the same options from a file."""
        config = self._folder / "config"
        options = dict(option.split("=", 1) for option in self._options()[1::2])
        lines = [f"Host {self._host}", *(f"  {name} {value}" for name, value in options.items())]
        config.write_text("\n".join([*lines, f"  Port {self._port}", ""]))
        sudo = "" if self._user == _ROOT else "&sudo=true"
        return f"ssh://{self._user}@{self._host}:{self._port}?ssh_config={config}{sudo}"

    def _options(self) -> list[str]:
        options = {
            "BatchMode": "yes",
            "StrictHostKeyChecking": "yes",
            "ConnectTimeout": "10",
            "ServerAliveInterval": "10",
            "ServerAliveCountMax": "3",
            "ControlMaster": "auto",
            "ControlPath": str(self._folder / "c"),
            # A forwarded port that nobody uses for a while must not end with the connection.
            "ControlPersist": "600",
            "LogLevel": "ERROR",
        }
        if self._identity:
            options |= {"IdentityFile": self._identity, "IdentitiesOnly": "yes"}
        if self._known_hosts:
            options |= {"UserKnownHostsFile": self._known_hosts, "GlobalKnownHostsFile": "none"}
        return [word for name, value in options.items() for word in ("-o", f"{name}={value}")]

    def _argv(self, *words: str) -> list[str]:
        login = f"{self._user}@{self._host}"
        return ["ssh", *self._options(), "-p", str(self._port), *words[:-1], "--", login, words[-1]]

    def connect(self) -> None:
        """The one connection: two that begin at once would be two."""
        self.run(["true"])

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes | BinaryIO | None = None,
        stdout: BinaryIO | None = None,
        timeout: float = 60,
        check: bool = True,
    ) -> Result:
        try:
            done = commands.run(
                self._argv(self._as_root(remote_command(argv))),
                stdin=stdin,
                stdout=stdout,
                timeout=timeout,
                check=False,
            )
        except CommandError as late:
            if late.target:
                raise
            raise CommandError(
                f"`{shown(argv)}` did not end within {timeout:g} s; it may still be running",
                target=self.uri,
            ) from late
        if done.returncode == _SSH_FAILED and not self._connected():
            raise self._no_connection(done.error_text)
        if done.returncode and self._user != _ROOT and _SUDO_REFUSES.match(done.error_text):
            raise self._no_root(done.error_text)
        result = Result(tuple(argv), done.returncode, done.stdout, done.stderr)
        return result.checked(target=self.uri) if check else result

    def _as_root(self, command: str) -> str:
        """Many machines let nobody log in as root: their users get its rights without a prompt."""
        if self._user == _ROOT:
            return command
        return f"sudo -n -- sh -c {shlex.quote(command)}"  # what fails says so, and not sudo

    def _no_root(self, said: str) -> TargetError:
        return TargetError(
            f"{self._user} does not get root's rights there: {said}",
            step="connect",
            target=self.uri,
            hint=f"let {self._user} use sudo without a password (NOPASSWD: ALL in sudoers), or "
            "name root: ssh://root@…; nothing was changed",
        )

    def _no_connection(self, said: str) -> TargetError:
        for name, file in (("identity", self._identity), ("known_hosts", self._known_hosts)):
            if file and not Path(file).expanduser().is_file():  # ssh says so of a key, softly
                return TargetError(
                    f"there is no file {file} ({name})",
                    step="connect",
                    target=self.uri,
                    hint=f"is the path right? without {name}= it is your own ssh's",
                )
        if not said:  # an established one: the client that held it is gone without a word
            return TargetError(
                "the SSH connection was cut: the machine, or the way to it, does not answer",
                step="connect",
                target=self.uri,
                hint="run the same command again once it answers",
            )
        return TargetError(
            f"no SSH connection: {said}",
            step="connect",
            target=self.uri,
            hint=f"try `ssh -p {self._port} {self._user}@{self._host}` by hand; a host key that is "
            "unknown, or not the known one, is compared on the machine's own console, and then "
            "added to known_hosts from a source you trust",
        )

    def _connected(self) -> bool:
        """Whether the connection still stands: then 255 is the command's own exit code."""
        return commands.run(self._control("check"), check=False).returncode == 0

    def _control(self, what: str, *more: str) -> list[str]:
        return self._argv("-O", what, *more, "")[:-1]

    def put(self, source: bytes | Path, path: str, *, mode: int, owner: str = "root:root") -> None:
        put_file(self, source, path, mode, owner)

    def get(self, path: str) -> bytes:
        return get_file(self, path)

    @contextmanager
    def forward(self, port: int, host: str = LOOPBACK) -> Iterator[str]:
        """A Unix socket in a folder of the operator's own, forwarded to the target's loopback."""
        self.connect()
        with tempfile.TemporaryDirectory(prefix="recovery-fwd-") as folder:
            socket = f"{folder}/s"
            way = f"{socket}:[{host}]:{port}"
            commands.run(self._control("forward", "-L", way))
            try:
                yield f"unix:{socket}"
            finally:
                commands.run(self._control("cancel", "-L", way), check=False)

    def close(self) -> None:
        if self._folder.exists():
            commands.run(self._control("exit"), check=False)
            shutil.rmtree(self._folder, ignore_errors=True)
