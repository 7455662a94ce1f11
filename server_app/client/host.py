"""What a client says about the machine it runs on."""

from __future__ import annotations

import os
import platform
import socket
import sys
import time
import uuid
from pathlib import Path
from typing import Any

from server_app.config import BUILD, VERSION


def this_host() -> dict[str, Any]:
    """The row of info() on this machine."""
    name = socket.gethostname()
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    system, version = _release()
    address = f"{uuid.getnode():012x}"
    return {
        "Name": "velociraptor",
        "BuildTime": _build_time(),
        "Version": VERSION,
        "build_url": "",
        "install_time": 0,
        "Labels": None,
        "Hostname": name,
        "OS": platform.system().lower(),
        "Architecture": machine,
        "Platform": system,
        "PlatformVersion": version,
        "KernelVersion": platform.release(),
        "Fqdn": socket.getfqdn(name),
        "MACAddresses": [":".join(address[i : i + 2] for i in range(0, 12, 2))],
        "ClientStart": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "Uptime": int(time.monotonic()),
        "BootTime": int(time.time() - time.monotonic()),
        "PlatformFamily": system,
        "VirtualizationSystem": "",
        "VirtualizationRole": "",
        "CompilerVersion": f"python{platform.python_version()}",
        "HostID": str(uuid.UUID(int=uuid.getnode())),
        "Exe": sys.executable,
        "CWD": str(Path.cwd()),
        "IsAdmin": os.geteuid() == 0,
        "LocalTZ": time.tzname[0],
        "LocalTZOffset": -time.timezone,
    }


def simulated_host(place: int) -> dict[str, Any]:
    """The row of info() of a made-up machine."""
    name = f"simulated-{place:05d}"
    mac = ":".join(f"{byte:02x}" for byte in (2, 0, *place.to_bytes(4, "big")))
    return {**this_host(), "Hostname": name, "Fqdn": f"{name}.example", "MACAddresses": [mac]}


def _release() -> tuple[str, str]:
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return platform.system().lower(), ""
    return release.get("ID", ""), release.get("VERSION_ID", "")


def _build_time() -> str:
    return str(BUILD.get("build_time", "")) if isinstance(BUILD, dict) else ""
