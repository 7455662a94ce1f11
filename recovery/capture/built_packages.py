"""Server packages that `recovery package build` made on this machine: a capture finds them again.

Only where a package lies and its hash are kept, never a copy: there are private keys in it.
"""

import hashlib
import json
import os
import tempfile
from pathlib import Path

from recovery.file_hash import sha256_of
from recovery.state_folder import state_folder


def note_built(path: Path, *, deployment: str, version: str, sha256: str) -> None:
    """Remembers the newest package of a deployment and version. ``sha256``: of the file, hex."""
    record = _record(deployment, version)
    record.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, part = tempfile.mkstemp(dir=record.parent)
    with os.fdopen(descriptor, "w") as out:
        json.dump({"path": str(path.absolute()), "sha256": sha256}, out)
    Path(part).replace(record)


def find_built(deployment: str, version: str) -> Path | None:
    """The package, if it still lies where it was built, and is the same byte for byte."""
    try:
        known = json.loads(_record(deployment, version).read_bytes())
        path = Path(known["path"])
        return path if sha256_of(path) == known["sha256"] else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _record(deployment: str, version: str) -> Path:
    name = hashlib.sha256(f"{deployment} {version}".encode()).hexdigest()[:32]
    return state_folder() / "packages" / f"{name}.json"
