"""A Docker engine: the one that answers, else Debian's own, started here.

Only an engine that setup itself started is ever stopped by setup.
"""

import os
import shutil
import signal
import time
from pathlib import Path

from setup import apt
from setup.commands import ask, detach, run, tail
from setup.errors import SetupError
from setup.places import cache_folder, private_folder
from setup.progress import say, seconds

NAME = "docker engine"
PACKAGE = "docker.io"
PATIENCE = 90.0
SYSTEMD = Path("/run/systemd/system")
SBIN = "/usr/local/sbin:/usr/sbin:/sbin"  # dockerd needs iptables, which a user's PATH may lack


def folder() -> Path:
    """Where the pid and the log of an engine started here are kept."""
    return private_folder(cache_folder() / "engine")


def find() -> str | None:
    """Find an engine that answers, by the docker command's own rules (DOCKER_HOST, context).

    Raises SetupError where DOCKER_HOST names an engine and it does not answer: to start another
    one instead would be a surprise.
    """
    version = ask(["docker", "version", "--format", "{{.Server.Version}}"])
    host = os.environ.get("DOCKER_HOST", "")
    if version:
        driver = ask(["docker", "info", "--format", "{{.Driver}}"])
        return f"{version}, storage {driver}" + (f", at {host}" if host else "")
    if host and shutil.which("docker"):
        raise SetupError(
            f"DOCKER_HOST is {host}, and no Docker engine answers there",
            "Start that engine, or unset DOCKER_HOST to use one on this machine.",
        )
    return None


def provide() -> str:
    """Install Debian's engine if there is none, start it, wait until it answers.

    Raises SetupError with the last lines of its log when it does not answer.
    """
    if shutil.which("dockerd", path=search_path()) is None or shutil.which("docker") is None:
        apt.provide(NAME, packages())
        if not SYSTEMD.exists() and find() is not None:
            # Without systemd, the package's own script may have started it, with no pid of ours.
            ask(["service", "docker", "stop"], timeout=60)
        found = find()
        if found:
            return found
    if os.geteuid() != 0:
        raise SetupError(
            "no Docker engine answers, and starting one needs root",
            "Start it (`sudo systemctl start docker`) or run this as root. A user of a running "
            "engine must be in the group docker.",
        )
    if SYSTEMD.exists():
        log = cache_folder() / "logs" / "engine.log"
        hint = "See `journalctl -u docker`."
        run(["systemctl", "start", "docker"], log=log, hint=hint)
        return f"{find()}, started by systemd"
    begin = time.monotonic()
    start()
    if storage_driver() == "vfs" and Path("/dev/fuse").exists():
        say(NAME, "storage is vfs, which copies whole images; trying fuse-overlayfs")
        apt.provide(NAME, ["fuse-overlayfs"])
        stop()
        start("--storage-driver=fuse-overlayfs")
    return (
        f"{find()}, started as pid {own_pid()} in {seconds(time.monotonic() - begin)}; "
        "`make stop-docker` ends it"
    )


def packages() -> list[str]:
    """Debian packages of an engine on this kernel."""
    # With AppArmor in the kernel, the engine calls its parser for every container.
    enabled = Path("/sys/module/apparmor/parameters/enabled")
    apparmor = enabled.exists() and enabled.read_text().startswith("Y")
    return [PACKAGE, "apparmor"] if apparmor else [PACKAGE]


def search_path() -> str:
    """PATH with the folders of system programs."""
    return f"{os.environ.get('PATH', '')}:{SBIN}"


def start(*options: str) -> None:
    """Start dockerd detached from this process and terminal; return once it answers."""
    log = folder() / "dockerd.log"
    binary = shutil.which("dockerd", path=search_path()) or "dockerd"
    say(NAME, f"starting {binary}, log {log}")
    child = detach(
        [binary, "--pidfile", str(pidfile()), *options], log=log, env={"PATH": search_path()}
    )
    begin = time.monotonic()
    while time.monotonic() - begin < PATIENCE:
        if ask(["docker", "version", "--format", "{{.Server.Version}}"]):
            return
        if child.poll() is not None:
            break
        time.sleep(0.2)
    else:
        child.send_signal(signal.SIGTERM)
    raise SetupError(
        f"{NAME}: dockerd did not come up. Last lines of {log}:\n{tail(log)}",
        "No container was touched. Where this machine forbids an engine, set DOCKER_HOST to one "
        "elsewhere.",
    )


def storage_driver() -> str:
    """Storage driver of the answering engine."""
    return ask(["docker", "info", "--format", "{{.Driver}}"]) or "unknown"


def pidfile() -> Path:
    """Where a dockerd started here writes its pid."""
    return folder() / "dockerd.pid"


def own_pid() -> int | None:
    """Pid of the dockerd that setup started, None if it does not run.

    A pid alone may belong to someone else by now: its command line must name our pid file.
    """
    try:
        pid = int(pidfile().read_text())
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return None
    return pid if str(pidfile()).encode() in words else None


def stop() -> bool:
    """End the dockerd that setup started; False if there is none.

    Raises SetupError when it does not end in time.
    """
    pid = own_pid()
    if pid is None:
        return False
    os.kill(pid, signal.SIGTERM)
    begin = time.monotonic()
    while time.monotonic() - begin < PATIENCE:
        if own_pid() is None:
            return True
        time.sleep(0.1)
    raise SetupError(
        f"{NAME}: dockerd (pid {pid}) has not ended after {PATIENCE:.0f} s",
        f"See {folder() / 'dockerd.log'}.",
    )


def stop_unless_used() -> str:
    """End the engine that setup started, unless containers still run on it.

    Raises SetupError where some do: a drill may be at work on it.
    """
    if own_pid() is None:
        return "none was started by setup; nothing to stop"
    running = (ask(["docker", "ps", "--format", "{{.Names}}"]) or "").split()
    if running:
        raise SetupError(
            f"{NAME}: {len(running)} containers still run on it ({', '.join(running[:5])})",
            "It goes on running. `make clean` removes what drills left; then stop it again.",
        )
    stop()
    return "stopped; its images stay for the next start"
