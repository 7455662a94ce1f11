"""What is in the server's package: paths, unit, install scripts (facts: The server package)."""

from __future__ import annotations

import copy
import textwrap
from pathlib import Path
from typing import Any

from server_app.config import VERSION, dump_yaml
from server_app.package.archive import Member, write_deb

USER = "velociraptor"
UNIT = "velociraptor_server"
BINARY = "/usr/local/bin/velociraptor"
CONFIG = "/etc/velociraptor/server.config.yaml"


def write_server_package(
    config: dict[str, Any], binary: Path, folder: Path, release: str = ""
) -> Path | None:
    """Writes `velociraptor-server-<version>.amd64.deb`, gives its path.

    A folder that doesn't exist gets nothing, without an error (facts). The
    config is packed with the user it has to run as.
    """
    if not folder.is_dir():
        return None
    version = f"{VERSION}-{release}" if release else VERSION
    target = folder / f"velociraptor-server-{version}.amd64.deb"
    packed = copy.deepcopy(config)
    packed["Frontend"]["run_as_user"] = USER
    store = str(packed["Datastore"]["location"])
    write_deb(
        target,
        _fields(version),
        {"postinst": _install(store), "prerm": _remove()},
        {
            CONFIG: Member(dump_yaml(packed).encode()),
            BINARY: Member(binary),
            f"/etc/systemd/system/{UNIT}.service": Member(_unit().encode()),
        },
    )
    return target


def _fields(version: str) -> dict[str, str]:
    return {
        "Package": "velociraptor-server",
        "Version": version,
        "Architecture": "amd64",
        "Maintainer": "Velociraptor reference server",
        "Homepage": "https://www.velocidex.com",
        "Depends": "libcap2-bin, systemd",
        "Description": "Velociraptor server (reference implementation for drills)",
    }


def _unit() -> str:
    return textwrap.dedent(f"""\
        [Unit]
        Description=Velociraptor server
        After=syslog.target network.target

        [Service]
        Type=simple
        Restart=always
        RestartSec=120
        LimitNOFILE=20000
        Environment=LANG=en_US.UTF-8
        ExecStart={BINARY} --config {CONFIG} frontend
        User={USER}
        Group={USER}
        CapabilityBoundingSet=CAP_SYS_RESOURCE CAP_NET_BIND_SERVICE
        AmbientCapabilities=CAP_SYS_RESOURCE CAP_NET_BIND_SERVICE

        [Install]
        WantedBy=multi-user.target
        """)


def _install(store: str) -> str:
    """Modes only after unpacking, owners two levels deep, the service started at once."""
    store = "'" + store.replace("'", "'\\''") + "'"
    return textwrap.dedent(f"""\
        #!/bin/sh
        getent group {USER} >/dev/null || groupadd --system {USER}
        getent passwd {USER} >/dev/null || useradd --system --gid {USER} \\
            --home-dir /proc --shell /sbin/nologin {USER}
        mkdir -p {store}/config
        chown {USER}:{USER} {store} {store}/*
        chown -R {USER}:{USER} /etc/velociraptor
        chmod -R go-r /etc/velociraptor
        chown root:root {BINARY}
        chmod 755 {BINARY}
        setcap CAP_SYS_RESOURCE,CAP_NET_BIND_SERVICE=+eip {BINARY}
        /bin/systemctl enable {UNIT}.service
        /bin/systemctl start {UNIT}.service
        """)


def _remove() -> str:
    return textwrap.dedent(f"""\
        #!/bin/sh
        /bin/systemctl disable {UNIT}.service
        /bin/systemctl stop {UNIT}.service
        """)
