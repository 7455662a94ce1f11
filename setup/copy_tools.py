"""What complete copies and a hot spare are made with: restic and rsync, found first."""

import shutil

from setup import apt

NAME = "copy tools"
TOOLS = ("restic", "rsync")
"""Programs, each in the Debian package of the same name. Servers get restic from this machine."""


def find() -> str | None:
    """Find both of them."""
    return ", ".join(TOOLS) if not _absent() else None


def provide() -> str:
    """Install those that are absent. Raises SetupError where that can't be done."""
    packages = _absent()
    apt.provide(NAME, packages)
    return ", ".join(packages)


def _absent() -> list[str]:
    return [name for name in TOOLS if not shutil.which(name)]
