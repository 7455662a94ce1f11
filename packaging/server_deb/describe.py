"""What may be told of a package: everything but keys and nonces."""

from __future__ import annotations

import re
import stat
from datetime import datetime
from typing import Any

from server_deb import layout
from server_deb.contents import PackageContents

STARTS = re.compile(r"(systemctl|deb-systemd-invoke)\s+(re)?start\b")
SANDBOX = (
    "AmbientCapabilities", "CapabilityBoundingSet", "LockPersonality", "MemoryDenyWriteExecute",
    "NoNewPrivileges", "PrivateDevices", "PrivateTmp", "ProtectClock", "ProtectControlGroups",
    "ProtectHome", "ProtectHostname", "ProtectKernelLogs", "ProtectKernelModules",
    "ProtectKernelTunables", "ProtectProc", "ProtectSystem", "RestrictAddressFamilies",
    "RestrictNamespaces", "RestrictRealtime", "RestrictSUIDSGID", "SystemCallArchitectures",
    "SystemCallFilter", "UMask",
)  # fmt: skip


def describe(contents: PackageContents, *, now: datetime) -> dict[str, Any]:
    """The package as plain data for people and programs; no private key, no nonce.

    Texts come out of a package that anyone may have made: those with unprintable characters are
    given as Python would quote them.
    """
    config = contents.config
    stated = contents.control.get(layout.CONFIG_FIELD)
    entry = contents.file(layout.CONFIG)
    return {
        "path": str(contents.path),
        "package": _plain(contents.name),
        "version": _plain(contents.version),
        "architecture": _plain(contents.architecture),
        "depends": _plain(contents.control.get("Depends", "")),
        "config_fingerprint": config.fingerprint,
        "config_fingerprint_matches": None if stated is None else stated == config.fingerprint,
        "deployment_fingerprint": config.deployment,
        "config_mode": f"{stat.S_IMODE(entry.mode):04o}" if entry else None,
        "config_is_conffile": layout.CONFIG in contents.conffiles,
        "certificates": [
            {
                "setting": certificate.where,
                "subject": _plain(certificate.subject),
                "not_after": certificate.not_after.isoformat(),
                "days_left": (certificate.not_after - now).days,
            }
            for certificate in config.certificates.values()
        ],
        "public_urls": [_plain(url) for url in config.public_urls],
        "datastore": _plain(config.text("Datastore.location")),
        "folders": {name: _plain(folder) for name, folder in config.folders.items()},
        "ports": config.ports,
        "starts_at_install": starts_at_install(contents),
        "unit": unit_notes(contents.unit),
        "notes": list(_notes(contents)),
        "files": [
            {
                "path": _plain(file.path),
                "mode": stat.filemode(file.mode),
                "owner": _plain(f"{file.owner}:{file.group}"),
                "size": file.size,
            }
            for file in contents.files
        ],
    }


def starts_at_install(contents: PackageContents) -> str:
    """One of "at once", "unless held" (ours: see docs/package-ci.md) and "no"."""
    postinst = contents.scripts.get("postinst", "")
    if layout.HOLD in postinst:
        return "unless held"
    return "at once" if STARTS.search(postinst) else "no"


def unit_notes(unit: str) -> dict[str, Any]:
    """How the service runs and which parts of systemd's sandbox its unit uses."""
    settings: dict[str, str] = {}
    for line in unit.splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.lstrip().startswith(("#", ";")):
            settings[name.strip()] = value.strip()
    return {
        "user": _plain(settings.get("User", "root")),
        "restart_seconds": _plain(settings.get("RestartSec", "")),
        "confined_by": [name for name in SANDBOX if name in settings],
        "not_confined_by": [name for name in SANDBOX if name not in settings],
    }


def _notes(contents: PackageContents) -> list[str]:
    notes: list[str] = []
    entry = contents.file(layout.CONFIG)
    if entry and entry.mode & 0o004:
        notes.append("the config is readable by every user while the package unpacks")
    if layout.CONFIG not in contents.conffiles:
        notes.append("installing it again overwrites an edited config without asking")
    if "setcap" in contents.scripts.get("postinst", ""):
        notes.append("it uses setcap: the server can't be started where CAP_SYS_RESOURCE is barred")
    if contents.config.unreadable:
        notes.append(f"not certificates: {', '.join(contents.config.unreadable)}")
    stated = contents.control.get(layout.CONFIG_FIELD)
    if stated is not None and stated != contents.config.fingerprint:
        notes.append(
            "the control field names another config: the package was changed after it was made"
        )
    return notes


def _plain(text: str) -> str:
    return text if text.isprintable() else ascii(text)
