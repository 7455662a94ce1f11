"""What nfpm is told: the control fields and every file with its mode and owner."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from server_deb import layout
from server_deb.render import MAINTAINER

DESCRIPTION = """\
Velociraptor server with this deployment's config
The server's program, its config with the deployment's keys, and a confined
systemd unit. It replaces the package that Velociraptor makes by itself, and
can be replaced by it.
.
Whoever has this package can act as the deployment's server: keep it secret."""


@dataclass(frozen=True)
class Staged:
    """A file that was staged for packing, and where it goes."""

    source: Path
    path: str
    mode: int


def manifest(
    *,
    version: str,
    architecture: str,
    depends: tuple[str, ...],
    fingerprint: str,
    deployment: str,
    epoch: int,
    compression: str,
    binary: Path,
    config: Path,
    scripts: dict[str, Path],
    files: tuple[Staged, ...],
) -> dict[str, Any]:
    """Give nfpm's config as plain data. All values were checked: nfpm expands a `$` in some."""
    contents: list[dict[str, Any]] = [
        {
            "dst": layout.CONFIG_FOLDER,
            "type": "dir",
            "file_info": {"mode": 0o750, "group": layout.GROUP},
        },
        {
            "src": str(config),
            "dst": layout.CONFIG,
            "type": "config|noreplace",
            # Readable by the server's group alone. Where that does not exist yet dpkg takes
            # root's, so that the file is never readable by others, as .dpkg-new neither.
            "file_info": {"mode": 0o640, "group": layout.GROUP},
        },
        {"src": str(binary), "dst": layout.BINARY, "file_info": {"mode": 0o755}},
        *(
            {"src": str(staged.source), "dst": staged.path, "file_info": {"mode": staged.mode}}
            for staged in files
        ),
    ]
    return {
        "name": layout.PACKAGE,
        "arch": architecture,
        "platform": "linux",
        "version": version,
        "version_schema": "none",
        "section": "admin",
        "priority": "optional",
        "maintainer": MAINTAINER,
        "homepage": "https://docs.velociraptor.app/",
        "description": DESCRIPTION,
        "depends": list(depends),
        "mtime": datetime.fromtimestamp(epoch, UTC).isoformat(),
        "disable_globbing": True,
        "contents": contents,
        "scripts": {
            "preinstall": str(scripts["preinst"]),
            "postinstall": str(scripts["postinst"]),
            "preremove": str(scripts["prerm"]),
            "postremove": str(scripts["postrm"]),
        },
        "deb": {
            "arch": architecture,
            "compression": compression,
            "fields": {
                layout.CONFIG_FIELD: fingerprint,
                layout.DEPLOYMENT_FIELD: deployment,
            },
        },
    }
