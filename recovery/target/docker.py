"""A container as a target, through the Docker SDK: an engine anywhere, no agent inside.

Small commands share shells that stay (docs/adr/0017); what is streamed has an exec of its own.
"""

import io
import os
import socket
import stat
import threading
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

import docker
import docker.errors
from requests.exceptions import RequestException

from recovery.commands import Result, shown
from recovery.errors import CommandError, TargetError
from recovery.target.docker_forward import forward
from recovery.target.docker_shell import STDIN_BYTES, Shell, Shells
from recovery.target.docker_stream import STDOUT, ExecStream
from recovery.target.files import get_file, put_file
from recovery.target.protocol import LOOPBACK

_CHUNK = 1 << 20
_ENDS_WITHIN = 10.0
_STOPS_WITHIN = 1.0
_ENGINE_CODES = (126, 137)
"""Of commands that were killed or could not begin; also where their container has stopped."""


class DockerTarget:
    """Commands by ``docker exec`` in the running container ``name``."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.uri = self.testinfra_uri = f"docker://{name}"
        self._shells = Shells()

    def _open_shell(self) -> Shell:
        return Shell(self._exec(["sh"], stdin=True)[1])

    @cached_property
    def _client(self) -> Any:
        try:
            return docker.from_env(timeout=120)
        except docker.errors.DockerException as refused:
            raise TargetError(
                "the Docker engine doesn't answer",
                target=self.uri,
                hint="is it running? `docker info` tells; `make setup` starts one",
            ) from refused

    def _exec(self, argv: Sequence[str], stdin: bool) -> tuple[str, ExecStream]:
        try:
            made = self._client.api.exec_create(self._name, list(argv), stdin=stdin)
            stream = self._client.api.exec_start(made["Id"], socket=True)
        except docker.errors.NotFound as missing:
            raise TargetError(
                "the engine has no such container",
                target=self.uri,
                hint="`docker ps -a` lists those that it has; is DOCKER_HOST the right engine?",
            ) from missing
        except RequestException as refused:
            why = getattr(refused, "explanation", None) or refused
            raise TargetError(
                f"no command can run in the container: {why}",
                target=self.uri,
                hint=f"`docker ps -a --filter name={self._name}` shows its state",
            ) from refused
        return made["Id"], ExecStream(stream)

    def connect(self) -> None:
        """The engine's client."""
        self._client.api  # noqa: B018 - made here, and not by two at once

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes | BinaryIO | None = None,
        stdout: BinaryIO | None = None,
        timeout: float = 60,
        check: bool = True,
    ) -> Result:
        deadline = time.monotonic() + timeout
        try:
            given = None if stdout else _small(stdin)
            if stdout or (stdin is not None and given is None):
                code, out, err = self._stream(argv, stdin, stdout, deadline)
            else:
                code, out, err = self._shells.run(self._open_shell, argv, given, deadline)
        except TimeoutError as late:
            raise CommandError(
                f"`{shown(argv)}` did not end within {timeout:g} s; it may still be running",
                target=self.uri,
            ) from late
        except ConnectionError as cut:
            raise self._stopped(argv) or TargetError(
                f"`{shown(argv)}`: {cut}",
                target=self.uri,
                hint=f"`docker ps -a --filter name={self._name}` shows its state",
            ) from cut
        if code in _ENGINE_CODES and (stopped := self._stopped(argv)):
            raise stopped
        result = Result(tuple(argv), code, out, err)
        return result.checked(target=self.uri) if check else result

    def _stream(
        self,
        argv: Sequence[str],
        stdin: bytes | BinaryIO | None,
        stdout: BinaryIO | None,
        deadline: float,
    ) -> tuple[int, bytes, bytes]:
        ident, stream = self._exec(argv, stdin is not None)
        stream.deadline = deadline
        held, err = io.BytesIO(), io.BytesIO()
        try:
            feeder = _feed(stream.socket, stdin)
            for kind, data in stream.frames():
                ((stdout or held) if kind == STDOUT else err).write(data)
            feeder.join(timeout=5)
        finally:
            stream.close()
        return self._exit_code(ident), held.getvalue(), err.getvalue()

    def _stopped(self, argv: Sequence[str]) -> TargetError | None:
        if not self._has_stopped():
            return None
        return TargetError(
            f"the container stopped while `{shown(argv)}` ran in it",
            target=self.uri,
            hint=f"`docker start {self._name}`, then run the same command again",
        )

    def _has_stopped(self) -> bool:
        """A container's commands end a moment before the engine knows that it stopped."""
        deadline = time.monotonic() + _STOPS_WITHIN
        while time.monotonic() < deadline:
            try:
                if not self._client.api.inspect_container(self._name)["State"]["Running"]:
                    return True
            except (docker.errors.DockerException, RequestException):
                return True
            time.sleep(0.05)
        return False

    def _exit_code(self, ident: str) -> int:
        """The exec's exit code; the engine may know it a moment after the streams' end."""
        deadline = time.monotonic() + _ENDS_WITHIN
        while True:
            try:
                code = self._client.api.exec_inspect(ident)["ExitCode"]
            except RequestException as refused:
                raise TargetError(f"the container is gone: {refused}", target=self.uri) from refused
            if code is not None:
                return int(code)
            if time.monotonic() > deadline:
                raise TargetError(
                    f"a command closed its output and didn't end within {_ENDS_WITHIN:g} s",
                    target=self.uri,
                )
            time.sleep(0.02)

    def put(self, source: bytes | Path, path: str, *, mode: int, owner: str = "root:root") -> None:
        put_file(self, source, path, mode, owner)

    def get(self, path: str) -> bytes:
        return get_file(self, path)

    def forward(self, port: int, host: str = LOOPBACK) -> AbstractContextManager[str]:
        return forward(lambda argv: self._exec(argv, stdin=True)[1], port, host)

    def close(self) -> None:
        self._shells.close()
        if "_client" in self.__dict__:
            self._client.close()

    def __del__(self) -> None:
        self._shells.close()


def _small(stdin: bytes | BinaryIO | None) -> bytes | None:
    """The whole input where it is known and small enough for a shell's command; else None."""
    if isinstance(stdin, bytes):
        return stdin if len(stdin) <= STDIN_BYTES else None
    if stdin is None:
        return None
    try:
        state = os.fstat(stdin.fileno())
        small = stat.S_ISREG(state.st_mode) and state.st_size - stdin.tell() <= STDIN_BYTES
    except OSError:  # not a file, or one without a place
        return None
    return stdin.read(STDIN_BYTES) if small else None


def _feed(raw: socket.socket, stdin: bytes | BinaryIO | None) -> threading.Thread:
    """Writes the standard input beside the reading of the output, then ends it."""

    def write() -> None:
        try:
            if isinstance(stdin, bytes):
                raw.sendall(stdin)
            elif stdin is not None:
                while chunk := stdin.read(_CHUNK):
                    raw.sendall(chunk)
            if stdin is not None:
                raw.shutdown(socket.SHUT_WR)
        except OSError:
            return

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    return thread
