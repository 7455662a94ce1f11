"""The one caller of ``subprocess``: argv in, :class:`Result` out. Never a shell string."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from recovery.errors import CommandError

_SCRIPT_NAME = 3
"""Where in ``sh -c SCRIPT NAME …`` the script's name stands."""


@dataclass(frozen=True)
class Result:
    """What a command did: ``argv``, exit code, and its two streams as bytes."""

    argv: tuple[str, ...]
    returncode: int
    stdout: bytes
    stderr: bytes

    @property
    def text(self) -> str:
        """Standard output as text, without the last line break."""
        return self.stdout.decode("utf-8", "replace").rstrip("\n")

    @property
    def error_text(self) -> str:
        """The last lines of standard error (or, if empty, of standard output)."""
        raw = self.stderr.strip() or self.stdout.strip()
        return "\n".join(raw.decode("utf-8", "replace").splitlines()[-8:])

    def checked(self, *, target: str = "", hint: str = "") -> "Result":
        """Itself, or :class:`CommandError` when the exit code isn't 0."""
        if self.returncode == 0:
            return self
        raise CommandError(
            f"`{shown(self.argv)}` ended with {self.returncode}: {self.error_text}",
            target=target,
            hint=hint,
        )


def shown(argv: Sequence[str]) -> str:
    """A command as one line: of a shell's script its name and arguments, not its text."""
    named = list(argv[:2]) in (["sh", "-c"], ["bash", "-c"]) and len(argv) > _SCRIPT_NAME
    words = argv[_SCRIPT_NAME:] if named else argv
    first, *more = " ".join(words).splitlines() or [""]
    return f"{first} …" if more else first


def run(
    argv: Sequence[str],
    *,
    stdin: bytes | BinaryIO | None = None,
    stdout: BinaryIO | None = None,
    timeout: float = 60,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    check: bool = True,
    hint: str = "",
) -> Result:
    """Runs ``argv`` on this machine; ``env`` is added to the present environment.

    Secrets go by ``stdin`` or ``env``, never in ``argv``. ``timeout`` is in seconds.
    An open file as ``stdin`` or ``stdout`` is streamed, whatever its size.
    Raises :class:`CommandError` when the program is missing, takes longer than
    ``timeout``, or (with ``check``) ends with another code than 0.
    """
    try:
        done = subprocess.run(  # noqa: S603 - argv lists only, no shell
            list(argv),
            **_streams(stdin, stdout),
            timeout=timeout,
            env={**os.environ, **env} if env else None,
            cwd=cwd,
            check=False,
        )
    except FileNotFoundError as missing:
        raise CommandError(
            f"the program `{argv[0]}` is not on this machine",
            target="this machine",
            hint=hint or "run `make setup`, then `recovery doctor`",
        ) from missing
    except subprocess.TimeoutExpired as late:
        raise CommandError(f"`{shown(argv)}` did not end within {timeout:g} s", hint=hint) from late
    result = Result(tuple(argv), done.returncode, done.stdout or b"", done.stderr)
    return result.checked(hint=hint) if check else result


def _streams(stdin: bytes | BinaryIO | None, stdout: BinaryIO | None) -> dict[str, Any]:
    given: dict[str, Any] = {"stdout": stdout or subprocess.PIPE, "stderr": subprocess.PIPE}
    if isinstance(stdin, bytes):
        given["input"] = stdin
    else:
        given["stdin"] = subprocess.DEVNULL if stdin is None else stdin
    return given


def start_service(
    argv: Sequence[str], *, log: Path, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> "subprocess.Popen[bytes]":
    """Starts what works beside us until its standard input ends; it tells on standard output.

    What it says otherwise goes to ``log``. The caller ends it.
    """
    with log.open("wb") as said:
        return subprocess.Popen(  # noqa: S603 - argv lists only, no shell
            list(argv),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            env={**os.environ, **env} if env else None,
            cwd=cwd,
        )


def start(
    argv: Sequence[str], *, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> "subprocess.Popen[bytes]":
    """Starts ``argv`` and returns at once; the caller ends it. Pipes on all three streams."""
    try:
        return subprocess.Popen(  # noqa: S603 - argv lists only, no shell
            list(argv),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **env} if env else None,
            cwd=cwd,
        )
    except FileNotFoundError as missing:
        raise CommandError(
            f"the program `{argv[0]}` is not on this machine", hint="run `recovery doctor`"
        ) from missing
