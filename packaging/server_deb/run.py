"""The one caller of subprocess: other programs, run with next to nothing in their environment."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from server_deb.errors import FAILED, PackageError


@dataclass(frozen=True)
class Result:
    """What a program answered; text that is not UTF-8 has its odd bytes replaced."""

    code: int
    stdout: str
    stderr: str


def run(
    argv: Sequence[str], *, cwd: Path, timeout: float, extra: Mapping[str, str] | None = None
) -> Result:
    """Run `argv` in `cwd`; what it creates is the owner's alone (umask 077).

    The caller's environment is not handed on, except PATH: a CI job holds the config, keys and
    all, in a variable, and no child has business with that.

    Raises PackageError (exit code 2) if the program can't be started or takes over `timeout`
    seconds.
    """
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", **(extra or {})}
    try:
        done = subprocess.run(  # noqa: S603  argv lists only, never a shell
            list(argv),
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout,
            check=False,
            umask=0o077,
        )
    except subprocess.TimeoutExpired as late:
        raise PackageError(
            f"{Path(argv[0]).name} gave no answer within {timeout:g} s",
            where=" ".join(argv),
            hint="run it by hand to see what it waits for",
            exit_code=FAILED,
        ) from late
    except OSError as refused:
        raise PackageError(
            f"{Path(argv[0]).name} could not be started: {refused.strerror}",
            where=argv[0],
            hint="check that the file is executable and made for this machine",
            exit_code=FAILED,
        ) from refused
    return Result(
        done.returncode,
        done.stdout.decode(errors="replace"),
        done.stderr.decode(errors="replace"),
    )
