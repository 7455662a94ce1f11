"""The project's virtual environment, exactly as `requirements.lock` says."""

import hashlib
import shutil
import sys

from setup import installer
from setup.commands import run
from setup.places import CLONE, PYTHON, VENV, cache_folder
from setup.progress import say

NAME = "venv"
LOCK = CLONE / "requirements.lock"
PROJECT = CLONE / "pyproject.toml"
STAMP = VENV / ".setup-stamp"


def stamp(lock: bytes, project: bytes, python: str, clone: str) -> str:
    """Return what the environment depends on, as a SHA-256 in hex.

    The clone's path is part of it: an environment does not survive being moved.
    """
    parts = (lock, project, python.encode(), clone.encode())
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


def wanted() -> str:
    """Stamp of this clone with the running Python."""
    return stamp(LOCK.read_bytes(), PROJECT.read_bytes(), sys.version, str(CLONE))


def find() -> str | None:
    """Find an environment made from this very lock."""
    current = STAMP.read_text() if STAMP.exists() else ""
    return f"{VENV.name} matches {LOCK.name}" if PYTHON.exists() and current == wanted() else None


def provide() -> str:
    """Make the environment, or bring the one that is there up to the lock.

    Raises SetupError when packages cannot be installed.
    """
    log = cache_folder() / "logs" / "venv.log"
    STAMP.unlink(missing_ok=True)
    if not PYTHON.exists():
        if VENV.exists():
            shutil.rmtree(VENV)
        argv = [sys.executable, "-m", "venv", "--without-pip", str(VENV)]
        run(argv, log=log, hint=installer.HINT)
    count = LOCK.read_text().count("==")
    say(NAME, f"installing up to {count} packages with pinned hashes, log {log}")
    installer.install(PYTHON, ["--require-hashes", "--requirement", str(LOCK)], log=log)
    own = ["--no-deps", "--no-build-isolation", "--editable", str(CLONE)]
    installer.install(PYTHON, own, log=log)
    STAMP.write_text(wanted())
    return f"{VENV.name} from {LOCK.name}"
