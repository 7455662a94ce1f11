"""Which Debian mirror and proxy this machine uses, so that the base image comes from there too."""

import re

from setup.commands import ask

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
FIELDS = ("$(ORIGIN)", "$(COMPONENT)", "$(CODENAME)", "$(REPO_URI)")
SUITES = ("bookworm", "bookworm-updates", "bookworm-security")


def mirror_lines() -> str:
    """Return apt source lines for Debian 12 as this machine has them.

    Empty where it has none (another release, another distribution, lists never fetched): then
    mmdebstrap takes Debian's own mirror.
    """
    targets = ask(
        [
            "apt-get",
            "indextargets",
            "--format",
            "|".join(FIELDS),
            "Created-By: Packages",
        ]
    )
    return source_lines(targets or "")


def source_lines(targets: str) -> str:
    """Return source lines for the rows `origin|component|codename|uri`; empty without bookworm."""
    rows = (line.split("|", 3) for line in targets.splitlines())
    found = {
        codename: uri
        for origin, component, codename, uri in (row for row in rows if len(row) == len(FIELDS))
        if origin == "Debian" and component == "main" and codename in SUITES
    }
    if "bookworm" not in found:
        return ""
    return "".join(
        f"deb [signed-by={KEYRING}] {found[suite]} {suite} main\n"
        for suite in SUITES
        if suite in found
    )


def apt_options() -> list[str]:
    """Return this machine's own apt settings for reaching a mirror (proxy, certificates)."""
    return options(ask(["apt-config", "dump", "--no-empty", "--format", '%F "%v";%n']) or "")


def options(dump: str) -> list[str]:
    """Pick the settings under Acquire::http and Acquire::https out of a dump."""
    wanted = re.compile(r"Acquire::https?::(\S+::)?(Proxy|CaInfo|Verify-Peer)\b", re.IGNORECASE)
    return [line for line in dump.splitlines() if wanted.match(line)]
