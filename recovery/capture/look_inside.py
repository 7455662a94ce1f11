"""What a server package (.deb) says of itself: version, the config it installs, whose it is.

Reading one whole takes a second. Equal bytes say the same, so it is done once a package on this
machine: what was found is noted under the file's SHA-256, without any key.
"""

import json
import os
import sys
import tempfile
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from recovery import commands
from recovery.file_hash import sha256_of
from recovery.state_folder import state_folder
from recovery.target import Target
from recovery.velociraptor.config import ServerConfig

_BUILDER = Path(__file__).resolve().parents[2] / "packaging"
_LOOK_INSIDE = r"""
set -e
dpkg-deb --field "$1" Version
dpkg-deb --fsys-tarfile "$1" |
  tar --extract --to-stdout --wildcards '*etc/velociraptor/server.config.yaml'
"""
_SECONDS = 600.0


@dataclass(frozen=True)
class Inside:
    """What a .deb says of itself. Fingerprints of the config it installs and of its CA, hex."""

    path: str
    version: str
    config_fingerprint: str
    deployment: str
    sha256: str


def look_inside(target: Target, path: str, sha256: str) -> Inside:
    """Reads a .deb on the server. Raises :class:`RecoveryError` when it's no server package."""
    said = target.run(["sh", "-c", _LOOK_INSIDE, "look", path], timeout=_SECONDS).stdout
    version, raw = said.split(b"\n", 1)
    config = ServerConfig.parse(raw, source=f"config in {path}")
    return Inside(path, version.decode(), config.fingerprint, config.deployment, sha256)


def look_inside_here(path: Path, sha256: str = "") -> Inside:
    """Reads a .deb on this machine, which needs no dpkg for it. ``sha256``: where it is known.

    Raises :class:`RecoveryError` when it's no server package.
    """
    sha256 = sha256 or sha256_of(path)
    noted = _noted(path, sha256)
    if noted:
        return noted
    told = json.loads(server_deb("inspect", "--json", str(path)))
    found = Inside(
        str(path),
        told["version"],
        told["config_fingerprint"],
        told["deployment_fingerprint"],
        sha256,
    )
    if sha256_of(path) == sha256:  # else it was replaced while it was read
        with suppress(OSError):  # a folder that can't be written costs the note alone
            _note(found)
    return found


def config_inside_here(path: Path) -> ServerConfig:
    """The config that a .deb on this machine installs; reading it needs ``dpkg-deb`` here."""
    said = commands.run(
        ["sh", "-c", _LOOK_INSIDE, "look", str(path)],
        timeout=_SECONDS,
        hint="put the server.config.yaml beside it, where this machine has no dpkg-deb",
    ).stdout
    return ServerConfig.parse(said.split(b"\n", 1)[1], source=f"config in {path}")


def server_deb(*words: str) -> str:
    """The package builder stands alone: its seam is its command line."""
    return commands.run(
        [sys.executable, "-m", "server_deb", *words],
        env={"PYTHONPATH": str(_BUILDER), "PYTHONSAFEPATH": "1"},
        timeout=_SECONDS,
        hint="give the package by --package FILE",
    ).text


def _noted(path: Path, sha256: str) -> Inside | None:
    try:
        found = Inside(str(path), **json.loads(_note_of(sha256).read_bytes()))
    except (OSError, ValueError, TypeError):
        return None
    whole = all(isinstance(value, str) and value for value in asdict(found).values())
    return found if whole and found.sha256 == sha256 else None


def _note(found: Inside) -> None:
    note = _note_of(found.sha256)
    note.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    values = asdict(found)
    del values["path"]
    descriptor, part = tempfile.mkstemp(dir=note.parent)
    with os.fdopen(descriptor, "w") as out:
        json.dump(values, out)
    Path(part).replace(note)


def _note_of(sha256: str) -> Path:
    return state_folder() / "inspected" / f"{sha256}.json"
