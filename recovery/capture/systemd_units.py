"""What every systemd unit of this toolkit shares: how words are quoted, and its sandbox. Pure."""

import re
from collections.abc import Sequence

from recovery.errors import BadInputError

UNITS = "/etc/systemd/system"
ENVIRONMENT = "/etc/velociraptor-recovery/environment"
_PLAIN = re.compile(r"[A-Za-z0-9_@+=:,./~-]+")


def sandbox(rights: Sequence[str], system: str, writes: Sequence[str]) -> list[str]:
    """A service's lines: it may reach the network and write ``writes``, and little else.

    ``rights``: capabilities; ``system``: of ``ProtectSystem=``.
    """
    return [
        "UMask=0077",
        f"CapabilityBoundingSet={' '.join(rights)}",
        "NoNewPrivileges=yes",
        f"ProtectSystem={system}",
        *(f"ReadWritePaths={quoted([path])}" for path in writes),
        "ProtectHome=read-only",
        "PrivateTmp=yes",
        "PrivateDevices=yes",
        "ProtectKernelTunables=yes",
        "ProtectKernelModules=yes",
        "ProtectKernelLogs=yes",
        "ProtectControlGroups=yes",
        "ProtectClock=yes",
        "ProtectHostname=yes",
        "LockPersonality=yes",
        "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6",
        "RestrictNamespaces=yes",
        "RestrictRealtime=yes",
        "RestrictSUIDSGID=yes",
        "SystemCallArchitectures=native",
        "SystemCallFilter=@system-service",
        "SystemCallErrorNumber=EPERM",
    ]


def quoted(argv: Sequence[str]) -> str:
    """``argv`` as systemd reads it: specifiers and variables in it mean themselves."""
    return " ".join(_word(word) for word in argv)


def _word(word: str) -> str:
    text = one_line(word).replace("%", "%%").replace("$", "$$")
    if _PLAIN.fullmatch(word):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def one_line(text: str) -> str:
    """``text``, once it can't begin a line of its own; else :class:`BadInputError`."""
    if any(ord(char) < 32 for char in text):  # noqa: PLR2004 - control characters
        raise BadInputError("a line break or control character", target=repr(text))
    return text
