"""What drills leave behind on the engine, and its removal: only by their own labels."""

import contextlib
import re
import socket
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docker.errors

from recovery.counts import things
from recovery.drill.children import end_processes, working_in
from recovery.drill.engine import containers_of, engine, in_words
from recovery.drill.names import HOST_LABEL, LOCK_LABEL, RUN_LABEL, Run
from recovery.drill.run_lock import is_held, known_runs, remove_folder
from recovery.errors import TargetError

_IDENT = re.compile(r"[a-f][0-9a-f]{5}")
_TRIES = 20


@dataclass
class Leftover:
    """What one run has on the engine, by name. ``host``: the machine that ran it, if known."""

    run: Run
    containers: list[str] = field(default_factory=list)
    networks: list[str] = field(default_factory=list)
    volumes: list[str] = field(default_factory=list)
    host: str = ""
    lock: str = ""

    @property
    def running(self) -> bool:
        """Whether its drill is at work, here; or elsewhere, which can't be told from here."""
        lock = Path(self.lock) if self.lock else self.run.lock
        return is_held(lock) or self.host not in ("", socket.gethostname())

    @property
    def summary(self) -> str:
        """Its parts as numbers."""
        parts = (
            things(len(self.containers), "container"),
            things(len(self.networks), "network"),
            things(len(self.volumes), "volume"),
        )
        return ", ".join(parts)

    def as_dict(self) -> dict[str, object]:
        """The run and its parts by name, in JSON's types."""
        return {
            "run": self.run.ident,
            "containers": self.containers,
            "networks": self.networks,
            "volumes": self.volumes,
        }


def find_leftovers(only: Run | None = None) -> list[Leftover]:
    """Everything on the engine that bears a run's label, by run; folders without anything too."""
    label = f"{RUN_LABEL}={only.ident}" if only else RUN_LABEL
    with in_words("leftovers"):
        api = engine().api
        containers = api.containers(all=True, filters={"label": label})
        networks = api.networks(filters={"label": label})
        volumes = api.volumes(filters={"label": label})["Volumes"] or []
    found: dict[str, Leftover] = {}
    for kind, items in (("containers", containers), ("networks", networks), ("volumes", volumes)):
        for item in items:
            labels: dict[str, Any] = item.get("Labels") or {}
            ident = str(labels.get(RUN_LABEL, ""))
            if not _IDENT.fullmatch(ident):
                continue  # a real stack's machine has the label without a run in it
            run = found.setdefault(ident, Leftover(Run(ident)))
            name = str(item["Names"][0].lstrip("/") if kind == "containers" else item["Name"])
            getattr(run, kind).append(name)
            run.host = run.host or str(labels.get(HOST_LABEL, ""))
            run.lock = run.lock or str(labels.get(LOCK_LABEL, ""))
    for folder in known_runs():
        if only is None or folder == only:
            found.setdefault(folder.ident, Leftover(folder))
    for ident, left in found.items():
        # What others make for a run is named after it, whatever its labels.
        left.containers += [
            name for name in containers_of(Run(ident).prefix) if name not in left.containers
        ]
        left.volumes += [name for name in _volumes(Run(ident).prefix) if name not in left.volumes]
    return list(found.values())


def remove(left: Leftover, *, folder: bool = True) -> None:
    """Removes it all: containers first, for they hold the rest. What is gone already is fine.

    Raises :class:`TargetError` when something stays.
    """
    with in_words(left.run.prefix):
        api = engine().api
        for name in left.containers:
            with contextlib.suppress(docker.errors.NotFound):
                _patiently(lambda name=name: api.remove_container(name, force=True, v=True))
        for name in left.volumes:
            with contextlib.suppress(docker.errors.NotFound):
                _patiently(lambda name=name: api.remove_volume(name, force=True))
        for name in left.networks:
            with contextlib.suppress(docker.errors.NotFound):
                _patiently(lambda name=name: api.remove_network(name))
    if folder:
        remove_folder(left.run)


def remove_run(run: Run, *, folder: bool = True) -> None:
    """Removes what is there of ``run``, twice where something was still being made."""
    end_processes(working_in(run.folder))
    for _ in range(3):
        found = [one for one in find_leftovers(run) if one.run == run]
        if not any(one.containers or one.networks or one.volumes for one in found):
            break
        for one in found:
            remove(one, folder=False)
    else:
        raise TargetError(
            "something of this drill can't be removed",
            target=run.prefix,
            hint="`docker ps -a` shows it; then `recovery clean`",
        )
    if folder:
        remove_folder(run)


def _volumes(prefix: str) -> list[str]:
    with in_words("volumes"):
        found = engine().api.volumes(filters={"name": prefix})["Volumes"] or []
    return [str(one["Name"]) for one in found if str(one["Name"]).startswith(f"{prefix}-")]


def _patiently(take_away: Any) -> None:
    """An engine may be busy with the same thing for a moment (a removal under way, an endpoint)."""
    for attempt in range(_TRIES):
        try:
            take_away()
        except docker.errors.NotFound:
            raise
        except docker.errors.APIError:
            if attempt == _TRIES - 1:
                raise
            time.sleep(0.25)
        else:
            return
