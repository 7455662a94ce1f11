"""Programs that only the tests need, as real parts: found first, installed only if absent.

The servers' services stay off: a test starts its own process, on loopback, with its own files.
"""

import shutil

from setup import apt
from setup.commands import ask

NAME = "test programs"
SERVERS = {"haproxy": "haproxy", "knotd": "knot"}
"""Program → the Debian package and service that bring it."""
JUDGES = {"age": "age", "lintian": "lintian"}
"""Program → the Debian package: what others make of sealed files and of packages."""


def find() -> str | None:
    """Find all of them."""
    return ", ".join(SERVERS | JUDGES) if not _absent() else None


def provide() -> str:
    """Install those that are absent. Raises SetupError where that can't be done."""
    packages = _absent()
    apt.provide(NAME, packages)
    for service in set(packages) & set(SERVERS.values()):
        ask(["systemctl", "disable", "--now", service])
    return ", ".join(packages)


def _absent() -> list[str]:
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    return [
        package for name, package in (SERVERS | JUDGES).items() if not shutil.which(name, path=path)
    ]
