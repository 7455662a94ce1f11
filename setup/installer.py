"""What installs Python packages: uv, ten times as fast as pip here, and pip where uv fails.

uv comes by pip with pinned hashes, once for all clones of this machine.
"""

import ast
import hashlib
import importlib.util
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from setup import apt
from setup.commands import ask, run
from setup.errors import SetupError
from setup.places import cache_folder
from setup.progress import say

NAME = "venv"
LOCK = Path(__file__).parent / "uv.lock"
HINT = "A Python package index must be reachable (pip's own settings count). Run it again."
# What pip calls it, what uv calls it, and what stands between several values there.
SETTINGS = {
    "index-url": ("UV_DEFAULT_INDEX", " "),
    "extra-index-url": ("UV_INDEX", " "),
    "find-links": ("UV_FIND_LINKS", ","),
    "trusted-host": ("UV_INSECURE_HOST", " "),
    "cert": ("SSL_CERT_FILE", " "),
}
SECTIONS = ("global", "install", ":env:")  # the later one wins


def folder() -> Path:
    """Virtual environment of uv in the cache, named after what it holds."""
    return cache_folder() / "uv" / hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]


def provide() -> Path:
    """Return the Python of an environment that has pip and uv, made if it is absent.

    Raises SetupError when uv cannot be had.
    """
    python = folder() / "bin" / "python"
    if (folder() / "ready").exists() and ask([str(python), "--version"]):
        return python
    log = cache_folder() / "logs" / "uv.log"
    say(NAME, f"installing uv, log {log}")
    shutil.rmtree(folder(), ignore_errors=True)
    if importlib.util.find_spec("ensurepip") is None:
        apt.provide(NAME, [f"python{sys.version_info.major}.{sys.version_info.minor}-venv"])
    run([sys.executable, "-m", "venv", str(folder())], log=log, hint=HINT)
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--progress-bar=off"]
    run([*pip, "--require-hashes", "--requirement", str(LOCK)], log=log, hint=HINT)
    (folder() / "ready").touch()
    return python


def install(python: Path, arguments: Sequence[str], *, log: Path) -> None:
    """Install packages for `python`; `arguments` are such as uv and pip both understand.

    Raises SetupError when both fail, with the end of pip's log.
    """
    own = provide()
    uv = [str(own.with_name("uv")), "pip", "install", "--python", str(python), *arguments]
    try:
        run(uv, log=log, hint=HINT, env=settings(own))
    except SetupError:
        say(NAME, f"uv could not install it (log {log}); trying pip")
        pip = [str(own), "-m", "pip", "--python", str(python), "install", "--progress-bar=off"]
        run([*pip, *arguments], log=log, hint=HINT)


def settings(python: Path) -> dict[str, str]:
    """Return the settings of this machine's pip as uv's."""
    return uv_environment(ask([str(python), "-m", "pip", "config", "list"]) or "")


def uv_environment(listed: str) -> dict[str, str]:
    """Return pip's settings as uv's, from the lines of `pip config list`.

    By environment, not by arguments: an index's address may carry a password.
    """
    found: dict[str, str] = {"UV_INDEX_STRATEGY": "unsafe-best-match"}  # pip's; hashes are pinned
    rows = [line.partition("=") for line in listed.splitlines()]
    for section in SECTIONS:
        for key, _, value in rows:
            wanted, _, name = key.partition(".")
            if wanted == section and name in SETTINGS:
                variable, separator = SETTINGS[name]
                found[variable] = separator.join(str(ast.literal_eval(value)).split())
    return found
