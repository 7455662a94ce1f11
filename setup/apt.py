"""Debian packages, for what only Debian has."""

import os
import shutil
from collections.abc import Sequence

from setup.commands import ask, run
from setup.errors import SetupError
from setup.places import cache_folder
from setup.progress import say

QUIET = {
    "DEBIAN_FRONTEND": "noninteractive",
    "NEEDRESTART_MODE": "l",  # list only: setup restarts no service of this machine
}
LOCK = ("-o", "DPkg::Lock::Timeout=600")


def install_argv(packages: Sequence[str]) -> list[str]:
    """Return the argv that installs `packages` without what they merely recommend."""
    return ["apt-get", *LOCK, "install", "-y", "--no-install-recommends", *packages]


def provide(part: str, packages: Sequence[str]) -> None:
    """Install those of `packages` that are absent.

    Raises SetupError where there is no apt-get, no root, or the installation fails.
    """
    wanted = [name for name in packages if not installed(name)]
    if not wanted:
        return
    names = " ".join(wanted)
    if shutil.which("apt-get") is None:
        raise SetupError(
            f"{part}: this machine has no apt-get, so {names} cannot be installed here",
            f"Install {names} by this machine's own means and run the same command again.",
        )
    if os.geteuid() != 0:
        raise SetupError(
            f"{part}: {names} must be installed, which needs root",
            f"Run `sudo apt-get install {names}`, then the same command again.",
        )
    log = cache_folder() / "logs" / "apt.log"
    hint = "Nothing else was changed. Put apt-get in order and run the same command again."
    say(part, f"installing {names} (Debian), log {log}")
    run(["apt-get", *LOCK, "update"], log=log, hint=hint, env=QUIET)
    run(install_argv(wanted), log=log, hint=hint, env=QUIET)


def installed(package: str) -> bool:
    """Say whether dpkg has `package` fully installed."""
    status = ask(["dpkg-query", "--show", "--showformat=${Status}", package])
    return status == "install ok installed"
