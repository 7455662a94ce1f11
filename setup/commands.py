"""The one caller of subprocess in setup."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from setup.errors import SetupError


def ask(argv: Sequence[str], *, timeout: float = 30) -> str | None:
    """Run a question that may fail; its output without the last newline, or None if it failed."""
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.rstrip("\n") if done.returncode == 0 else None


def run(
    argv: Sequence[str],
    *,
    log: Path,
    hint: str,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    nice: int = 0,
    timeout: float | None = None,
    output: Path | None = None,
) -> None:
    """Run a command that has to succeed, what it says into `log`, what it prints into `output`.

    Raises SetupError with the last lines of the log, also after `timeout` seconds. Ctrl-C ends
    the command's whole group, so that nothing goes on in the background.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as stream, (output or Path(os.devnull)).open("wb") as printed:
        stream.write(f"$ {' '.join(argv)}\n".encode())
        stream.flush()
        try:
            child = subprocess.Popen(
                ["nice", "-n", str(nice), *argv] if nice else argv,
                stdin=subprocess.DEVNULL,
                stdout=printed if output else stream,
                stderr=stream,
                env={**os.environ, **(env or {})},
                cwd=cwd,
                start_new_session=True,
            )
        except OSError as error:
            raise SetupError(f"`{argv[0]}` could not be started: {error}", hint) from error
        try:
            code = child.wait(timeout)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            code = child.wait()
        except BaseException:
            os.killpg(child.pid, signal.SIGTERM)
            child.wait()
            raise
    if code != 0:
        raise SetupError(
            f"`{' '.join(argv[:4])} …` ended with code {code}. Last lines of {log}:\n{tail(log)}",
            hint,
        )


def detach(argv: Sequence[str], *, log: Path, env: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    """Start a command that outlives this process, its output into `log`."""
    with log.open("ab") as stream:
        return subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            env={**os.environ, **env},
            start_new_session=True,
        )


def tail(log: Path, lines: int = 12) -> str:
    """Return the last lines of a log, indented."""
    text = log.read_text(errors="replace") if log.exists() else ""
    return "\n".join(f"    {line}" for line in text.splitlines()[-lines:])
