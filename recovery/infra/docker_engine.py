"""Containers that boot systemd, through the Docker SDK; nothing of Pulumi in here."""

import secrets
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import docker
import docker.errors

from recovery.errors import TargetError
from recovery.infra.failed_boot import said_last, why_no_boot
from recovery.target.engine_errors import engine_errors

LABEL = "velociraptor-recovery"
_STEP = "provide the machine"
_AWAKE = {"starting", "running", "degraded"}
_BOOT_SECONDS = 60
_PAUSE = 0.05


@dataclass(frozen=True)
class Wanted:
    """A container to be made. ``labels`` come on top of the toolkit's own."""

    image: str
    prefix: str
    network: str = "bridge"
    resolver: str = ""
    volume: str = ""
    """Where in the container a volume of its own is mounted; empty: none."""
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Found:
    """A container as the engine sees it; an address is empty where it has none."""

    id: str
    name: str
    running: bool
    address: str
    address6: str


def options(wanted: Wanted, name: str, *, apparmor: bool) -> dict[str, Any]:
    """The SDK's arguments for a container in which systemd is PID 1 (toolchain-facts: Docker).

    No more than CAP_SYS_ADMIN: ``--privileged`` fails on machines that lack capabilities
    themselves. With AppArmor, the engine's own profile forbids the mounts that systemd makes.
    """
    given: dict[str, Any] = {
        "name": name,
        "hostname": name,
        "command": ["/sbin/init"],
        "labels": {LABEL: "machine", **wanted.labels},
        "cap_add": ["SYS_ADMIN"],
        "cgroupns": "private",
        "tmpfs": {"/run": "", "/run/lock": ""},
        "network": wanted.network,
        "restart_policy": {"Name": "unless-stopped"},
    }
    if wanted.resolver:
        given["dns"] = [wanted.resolver]
    if wanted.volume:
        given["volumes"] = {_volume(name): {"bind": wanted.volume, "mode": "rw"}}
    if apparmor:
        given["security_opt"] = ["apparmor=unconfined"]
    return given


def create(wanted: Wanted) -> Found:
    """A new container under a new name, once its systemd answers.

    Raises :class:`TargetError` or :class:`BadInputError`; then nothing is left of it.
    """
    name = f"{wanted.prefix}-{secrets.token_hex(3)}"
    with _words(name):
        given = options(wanted, name, apparmor=_has_apparmor())
        try:
            if wanted.volume:
                _engine().volumes.create(_volume(name), labels=given["labels"])
            container = _engine().containers.create(wanted.image, **given)
            container.start()
            _first_boot(name)
        except BaseException:
            remove(name)
            raise
    return expect(name)


def _first_boot(name: str) -> None:
    """Waits for a new container's systemd; the error says why it did not come up, if it said so."""
    try:
        wait_for_systemd(name)
    except TargetError as failed:
        with suppress(docker.errors.APIError):
            log = _engine().api.logs(name, tail=50).decode("utf-8", "replace")
            if last := said_last(log):
                failed.message = f"{failed.message}\n  its last words: {last}"
            failed.hint = why_no_boot(log) or failed.hint
        raise


def inspect(name: str) -> Found | None:
    """The container, or None when the engine says that it has none of this name or id."""
    with _words(name):
        try:
            seen = _engine().api.inspect_container(name)
        except docker.errors.NotFound:
            return None
    networks = list((seen["NetworkSettings"].get("Networks") or {}).values())
    first = networks[0] if networks else {}
    return Found(
        id=seen["Id"],
        name=seen["Name"].lstrip("/"),
        running=bool(seen["State"]["Running"]),
        address=first.get("IPAddress") or "",
        address6=first.get("GlobalIPv6Address") or "",
    )


def others(labels: Mapping[str, str], but: str) -> list[str]:
    """Names of further containers with these labels, e.g. left by an update that was killed."""
    filters = {"label": [f"{key}={value}" for key, value in labels.items()]}
    with _words(but):
        found = _engine().api.containers(all=True, filters=filters)
    names = [str(one["Names"][0]).lstrip("/") for one in found]
    return sorted(name for name in names if name != but)


def expect(name: str) -> Found:
    """The running container; :class:`TargetError` when it isn't there or has no address."""
    found = inspect(name)
    if found is None or not found.running or not found.address:
        raise TargetError(
            "the container ended right after its start",
            step=_STEP,
            target=f"docker://{name}",
            hint="`docker events` and `journalctl -u docker` tell why; then run `pulumi up` again",
        )
    return found


def start(name: str) -> Found:
    """Starts a stopped container and waits for its systemd; its address may be another one."""
    with _words(name):
        _engine().api.start(name)
        wait_for_systemd(name)
    return expect(name)


def wait_for_systemd(name: str, seconds: float = _BOOT_SECONDS) -> None:
    """Returns once systemd takes orders (its jobs may still run); :class:`TargetError` if late."""
    deadline = time.monotonic() + seconds
    state = ""
    while time.monotonic() < deadline:
        with _words(name):
            ident = _engine().api.exec_create(name, ["systemctl", "is-system-running"])
            state = _engine().api.exec_start(ident["Id"]).decode("utf-8", "replace").strip()
        if state in _AWAKE:
            return
        time.sleep(_PAUSE)
    raise TargetError(
        f"systemd did not come up within {seconds:g} s: {state or 'no answer'}",
        step=_STEP,
        target=f"docker://{name}",
        hint=f"`docker logs {name}` shows its boot; is the image one with systemd?",
    )


def remove(name: str) -> None:
    """Removes the container and its datastore volume; what is gone already is fine."""
    with _words(name):
        with suppress(docker.errors.NotFound):
            _engine().api.remove_container(name, force=True, v=True)
        with suppress(docker.errors.NotFound):
            _engine().api.remove_volume(_volume(name), force=True)


def _volume(name: str) -> str:
    return f"{name}-datastore"


@cache
def _engine() -> Any:
    return docker.from_env(timeout=120)


@cache
def _has_apparmor() -> bool:
    return any("apparmor" in line for line in _engine().info().get("SecurityOptions") or [])


def _words(name: str) -> AbstractContextManager[None]:
    return engine_errors(
        f"docker://{name}",
        image="`make setup` builds the base image; or set recovery:dockerImage",
        refused="is the network there (`docker network ls`), and space (`docker system df`)?",
        step=_STEP,
    )
