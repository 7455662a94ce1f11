"""Where things are kept: the clone, the cache, the state of Pulumi."""

import os
from collections.abc import Mapping
from pathlib import Path

CLONE = Path(__file__).resolve().parent.parent
VENV = CLONE / ".venv"
PYTHON = VENV / "bin" / "python"
NAME = "velociraptor-recovery"


def cache_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Folder of built and downloaded things; deleting it costs time, nothing else."""
    return _base(environ, "XDG_CACHE_HOME", ".cache") / NAME


def state_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Folder of Pulumi's state and its passphrase; deleting it loses them."""
    return _base(environ, "XDG_STATE_HOME", ".local/state") / NAME


def _base(environ: Mapping[str, str], variable: str, fallback: str) -> Path:
    # The XDG rule: a relative path is invalid and is treated as unset.
    given = environ.get(variable, "")
    if given.startswith("/"):
        return Path(given)
    return Path(environ.get("HOME") or Path.home()) / fallback


def private_folder(path: Path) -> Path:
    """Make `path` if it is absent, see to its mode 0700, and return it."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.stat().st_mode & 0o077:
        path.chmod(0o700)
    return path
