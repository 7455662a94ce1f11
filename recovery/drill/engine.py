"""The Docker engine as a drill uses it: containers by role, files into them, all by label."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import docker
import docker.errors
from docker.types import EndpointConfig

from recovery.drill.names import RUN_LABEL, Run
from recovery.small_tar import tar_of
from recovery.target.engine_errors import engine_errors


@dataclass(frozen=True)
class Spec:
    """A container to be made; ``address`` empty lets the engine choose one."""

    role: str
    image: str
    command: Sequence[str]
    network: str
    address: str = ""
    dns: Sequence[str] = ()
    volumes: Mapping[str, str] = field(default_factory=dict)
    """Volume name → path inside."""
    hostname: str = ""


@cache
def engine() -> Any:
    """The engine of the environment (``DOCKER_HOST``, else the local socket)."""
    with in_words("the engine"):
        return docker.from_env(timeout=120)


def create(run: Run, spec: Spec, *, writable: bool = False) -> str:
    """Creates (without starting) a container; its name. ``writable`` is about its volumes."""
    name = run.container(spec.role)
    endpoint = {spec.network: EndpointConfig("1.44", ipv4_address=spec.address or None)}
    with in_words(name):
        engine().containers.create(
            spec.image,
            list(spec.command),
            name=name,
            hostname=spec.hostname or name,
            labels=run.labels(spec.role),
            network=spec.network,
            networking_config=endpoint,
            dns=list(spec.dns) or None,
            volumes={
                source: {"bind": path, "mode": "rw" if writable else "ro"}
                for source, path in spec.volumes.items()
            },
            stop_signal="SIGTERM",
        )
    return name


def start(name: str) -> None:
    """Starts a created container."""
    with in_words(name):
        engine().api.start(name)


def restart(name: str) -> None:
    """Stops a running container and starts it again; what it wrote stays."""
    with in_words(name):
        engine().api.restart(name, timeout=3)


def kill(name: str) -> None:
    """Removes a container, running or not, and its anonymous volumes."""
    with in_words(name):
        engine().api.remove_container(name, force=True, v=True)


def logs(name: str, lines: int = 20) -> str:
    """The last lines that the container's main process wrote."""
    with in_words(name):
        return str(engine().api.logs(name, tail=lines).decode("utf-8", "replace"))


def put_files(name: str, folder: str, files: Mapping[str, bytes | Path], mode: int) -> None:
    """Writes files below ``folder`` of a container, running or not, as root."""
    bundle = tar_of(
        {
            path: content.read_bytes() if isinstance(content, Path) else content
            for path, content in files.items()
        },
        mode,
    )
    with in_words(name):
        engine().api.put_archive(name, folder, bundle)


def machine_of(run: Run) -> str:
    """The name of the run's running server container; empty when there is none."""
    with in_words(run.prefix):
        found = engine().api.containers(
            filters={"label": [f"{RUN_LABEL}={run.ident}", "velociraptor-recovery=machine"]}
        )
    return str(found[0]["Names"][0].lstrip("/")) if found else ""


def containers_of(prefix: str) -> list[str]:
    """The containers, running or not, whose name is ``prefix``, a dash, and more."""
    with in_words(prefix):
        found = engine().api.containers(all=True, filters={"name": f"^/{prefix}-"})
    return [str(one["Names"][0].lstrip("/")) for one in found]


def containers_named(name: str) -> list[str]:
    """The containers, running or not, of exactly this name."""
    with in_words(name):
        found = engine().api.containers(all=True, filters={"name": f"^/{name}$"})
    return [str(one["Names"][0].lstrip("/")) for one in found]


def volumes_named(beginning: str) -> list[str]:
    """The volumes whose name begins so."""
    with in_words(beginning):
        found = engine().api.volumes(filters={"name": beginning})["Volumes"] or []
    return [str(one["Name"]) for one in found if str(one["Name"]).startswith(beginning)]


def remove_volumes(beginning: str) -> None:
    """Removes the volumes whose name begins so."""
    for name in volumes_named(beginning):
        with in_words(name):
            engine().api.remove_volume(name, force=True)


def address_of(name: str) -> str:
    """The container's address in its one network; empty when it has none."""
    with in_words(name):
        seen = engine().api.inspect_container(name)
    networks = list((seen["NetworkSettings"].get("Networks") or {}).values())
    return str(networks[0].get("IPAddress") or "") if networks else ""


def in_words(what: str) -> AbstractContextManager[None]:
    """The engine's errors while a drill works on ``what``, as the operator's."""
    return engine_errors(
        f"docker: {what}",
        image="`make setup` builds the base image; or name yours in RECOVERY_BASE_IMAGE",
        refused="`recovery doctor` looks at the engine; `recovery clean` removes leftovers",
    )
