"""The Pulumi command line: the one on the PATH, the cached one, the official one, or built."""

import hashlib
import os
import re
import shutil
import socket
import time
from pathlib import Path

from setup import pulumi_build, python_host
from setup.commands import ask, run
from setup.errors import SetupError
from setup.places import PYTHON, cache_folder, private_folder
from setup.progress import say, seconds

NAME = "pulumi"
VERSION = "3.259.0"  # the same as the SDK in pyproject.toml
OLDEST = (3, 230, 0)
INSTALLER = "get.pulumi.com"


def own_root() -> Path:
    """Folder of the CLI that setup installs or builds."""
    return cache_folder() / "pulumi" / VERSION


def own_cli() -> Path:
    """Path of the CLI that setup installs or builds."""
    return own_root() / "bin" / "pulumi"


def host_folder() -> Path:
    """Folder of the Python host for a CLI that was found elsewhere and lacks one."""
    return cache_folder() / "pulumi" / "python-host"


def path_without_own() -> str:
    """PATH without the folders that setup itself puts there."""
    ours = {str(own_cli().parent), str(host_folder())}
    return os.pathsep.join(
        part for part in os.environ.get("PATH", "").split(os.pathsep) if part not in ours
    )


def cli() -> Path | None:
    """Find a CLI that is new enough: on the PATH first, then the cached one."""
    there = shutil.which("pulumi", path=path_without_own())
    if there and new_enough(says_version(Path(there))):
        return Path(there)
    return own_cli() if intact() else None


def new_enough(words: str | None) -> bool:
    """Say whether the words of `pulumi version` name at least the oldest version that works."""
    found = re.match(r"v?(\d+)\.(\d+)\.(\d+)", words or "")
    return found is not None and tuple(int(part) for part in found.groups()) >= OLDEST


def says_version(found: Path) -> str | None:
    """Return the words of `pulumi version`, asked so that it leaves no folder in the home."""
    home = private_folder(cache_folder() / "pulumi" / "home")
    quiet = ["env", f"PULUMI_HOME={home}", "PULUMI_SKIP_UPDATE_CHECK=true"]
    return ask([*quiet, str(found), "version"])


def path_folders() -> list[str]:
    """Folders that the PATH needs for the CLI and its Python host, in order."""
    found = cli()
    if found is None:
        return []
    lacks_host = python_host.missing(found, path_without_own())
    return [str(found.parent)] + ([str(host_folder())] if lacks_host else [])


def find() -> str | None:
    """Find a CLI that is new enough, with a Python host that is this clone's."""
    found = cli()
    if found is None:
        return None
    if found == own_cli():
        if not official():
            python_host.install(found.parent)
    elif python_host.missing(found, path_without_own()):
        python_host.install(host_folder())
    return f"{f'v{VERSION}' if found == own_cli() else says_version(found)} at {found}"


def provide() -> str:
    """Install the official CLI where its host can be reached, else build it from source.

    Raises SetupError when neither works.
    """
    begin = time.monotonic()
    say(NAME, f"asking for {INSTALLER} (3 s)")
    how = "official" if reachable(INSTALLER) and install_official() else "built"
    if how == "built":
        pulumi_build.build(VERSION, own_cli())
    if not new_enough(says_version(own_cli())):
        raise SetupError(
            f"{NAME}: {own_cli()} does not say its version",
            f"Remove {own_root()} and run the same command again.",
        )
    record().write_text(f"{sha256(own_cli())}  {own_cli().name}\n")
    return f"{find()}, {how} in {seconds(time.monotonic() - begin)}"


def install_official() -> bool:
    """Install by the SDK's own installer; False (and a line why) when that fails."""
    log = cache_folder() / "logs" / "pulumi-install.log"
    program = (
        "import sys, semver; from pulumi.automation import PulumiCommand as C;"
        "C.install(root=sys.argv[1], version=semver.VersionInfo.parse(sys.argv[2]))"
    )
    try:
        run([str(PYTHON), "-c", program, str(own_root()), VERSION], log=log, hint="", timeout=300)
    except SetupError:
        shutil.rmtree(own_root(), ignore_errors=True)
        say(NAME, f"the official installer failed (log {log}); building it instead")
        return False
    return True


def reachable(host: str) -> bool:
    """Say whether `host` answers on the HTTPS port within 3 s."""
    try:
        with socket.create_connection((host, 443), timeout=3):
            return True
    except OSError:
        return False


def official() -> bool:
    """Say whether the cached CLI came with its own Python host."""
    return (own_cli().parent / "pulumi-language-python-exec").exists()


def record() -> Path:
    """Where the SHA-256 of the cached CLI is written, last: without it, the CLI counts as none."""
    return own_cli().with_name("pulumi.sha256")


def intact() -> bool:
    """Say whether the cached CLI is the one whose SHA-256 was recorded."""
    if not (own_cli().exists() and record().exists()):
        return False
    return record().read_text().split()[:1] == [sha256(own_cli())]


def sha256(path: Path) -> str:
    """SHA-256 of a file in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
