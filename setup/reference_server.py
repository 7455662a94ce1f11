"""The reference server's executable, which drills run where no real Velociraptor is given."""

import shutil
from pathlib import Path

from setup import apt
from setup.commands import run
from setup.errors import SetupError
from setup.places import CLONE, PYTHON, cache_folder, private_folder
from setup.progress import megabytes, say

NAME = "reference server"
MODULE = "server_app.build"
VARIABLE = "RECOVERY_REFERENCE_SERVER"


def provide() -> str:
    """Build it, or take the one built from the same sources: `server_app.build` decides.

    Raises SetupError when the build fails or prints no path of an executable.
    """
    apt.provide(NAME, builder_packages(shutil.which("objdump"), str(PYTHON.resolve())))
    log = cache_folder() / "logs" / "reference-server.log"
    say(NAME, f"building, unless its sources are unchanged (30 s), log {log}")
    printed = private_folder(cache_folder() / "logs") / "reference-server.out"
    run(
        [str(PYTHON), "-m", MODULE],
        log=log,
        output=printed,
        cwd=CLONE,
        hint=f"See {log}, then try `{PYTHON} -m {MODULE}` by hand.",
    )
    path = Path(printed.read_text().strip().splitlines()[-1])
    if not path.is_file():
        raise SetupError(f"{NAME}: {MODULE} printed {path}, which is no file", f"See {log}.")
    note().write_text(f"{path}\n")
    return f"{path} ({megabytes(path.stat().st_size)})"


def builder_packages(objdump: str | None, python: str) -> list[str]:
    """Debian packages that PyInstaller needs here: objdump, and Python as a shared library.

    Debian's own Python comes without the latter; any other Python is left to its maker.
    """
    debians = python.removeprefix("/usr/bin/") if python.startswith("/usr/bin/python3.") else ""
    return ([] if objdump else ["binutils"]) + ([f"lib{debians}"] if debians else [])


def note() -> Path:
    """Where this clone remembers the path that its last build printed."""
    return CLONE / ".venv" / ".reference-server"


def recorded() -> Path | None:
    """Path of the executable that the last setup of this clone built, if it is still there."""
    path = Path(note().read_text().strip()) if note().exists() else None
    return path if path and path.is_file() else None
