"""Whether the binary itself takes the config: a server refuses to start with an unknown setting."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

from server_deb.binary import MACHINES, Binary
from server_deb.config import ServerConfig
from server_deb.errors import PackageError
from server_deb.run import run

_UNKNOWN = re.compile(r"line (\d+): field (\S{1,80}) not found in type proto\.(\w{1,80})")
_WRONG = re.compile(r"line (\d+): cannot unmarshal")


def refuse_unknown_settings(binary: Binary, config: ServerConfig) -> None:
    """Ask `binary config show` to read the config; it is strict (read in its source, loader.go).

    A binary that can't run here is not asked. The answer holds the keys: none of it is shown but
    names and lines of settings. Raises PackageError for a setting that this version doesn't know,
    or whose value is of the wrong kind.
    """
    runs = MACHINES.get(os.uname().machine) == binary.architecture
    if not runs or not os.access(binary.path, os.X_OK):
        return
    with tempfile.TemporaryDirectory(prefix="server-deb-") as folder:
        file = Path(folder) / "server.config.yaml"
        file.touch(mode=0o600)
        file.write_bytes(config.raw)
        answer = run(
            [str(binary.path.absolute()), "--config", str(file), "config", "show"],
            cwd=Path(folder),
            timeout=60,
            extra={"HOME": folder, "TMPDIR": folder},
        )
    if answer.code != 0:
        _refuse(answer.stderr, config.name)


def _refuse(said: str, name: str) -> None:
    unknown = [f"{section}.{setting}" for _, setting, section in _UNKNOWN.findall(said)]
    wrong = _WRONG.findall(said)
    lines = [line for line, _, _ in _UNKNOWN.findall(said)] + wrong
    if not lines:
        return
    what = f"this Velociraptor does not know the setting {', '.join(unknown)}"
    raise PackageError(
        what if unknown else "a setting's value is of the wrong kind",
        where=f"{name}, line {lines[0]}",
        hint="correct its spelling or value, or take it out: the server would not start with it",
    )
