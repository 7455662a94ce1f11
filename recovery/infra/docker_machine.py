"""A systemd container as a Pulumi resource, looked after at every ``pulumi up``.

``diff`` asks the engine, so that a plain ``up`` replaces a lost container and starts a
stopped one again, without ``--refresh``. An engine that doesn't answer is an error, never
a lost container.
"""

import importlib
import threading
from contextlib import suppress
from typing import Any

import pulumi
from pulumi.dynamic import (
    CreateResult,
    DiffResult,
    ReadResult,
    Resource,
    ResourceProvider,
    UpdateResult,
)

from recovery.infra.progress import say

_MAKES_ANOTHER = ("image", "network", "resolver", "prefix", "volume")


class DockerMachineProvider(ResourceProvider):
    """Inputs: image, prefix, network, resolver, volume, labels. Outputs: those, and what
    :class:`recovery.infra.docker_engine.Found` has. The id is the container's.
    """

    serialize_as_secret_always = False

    def create(self, props: dict[str, Any]) -> CreateResult:
        from recovery.infra import docker_engine

        _load_steps()
        found = docker_engine.create(_wanted(props))
        if left := docker_engine.others(props["labels"], but=found.name):
            say(f"of this stack there is also {', '.join(left)}: unless it is being replaced now,")
            say(f"an update that was killed left it; `docker rm -f {left[0]}` removes it")
        return CreateResult(found.id, _outputs(props, found))

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        from recovery.infra import docker_engine

        replaces = [key for key in _MAKES_ANOTHER if _olds.get(key) != _news.get(key)]
        found = docker_engine.inspect(_id)
        if found is None:
            replaces.append("container")
        moved = found is not None and (
            not found.running
            or (found.address, found.address6) != (_olds.get("address"), _olds.get("address6"))
        )
        return DiffResult(changes=bool(replaces) or moved, replaces=replaces)

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        from recovery.infra import docker_engine

        found = docker_engine.inspect(_id)
        running = found is not None and found.running
        return UpdateResult(_outputs(_news, found if running else docker_engine.start(_id)))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        from recovery.infra import docker_engine

        found = docker_engine.inspect(id_)
        return ReadResult(id_, _outputs(props, found)) if found else ReadResult("", {})

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        from recovery.infra import docker_engine

        docker_engine.remove(_props["container"])


class DockerMachine(Resource, module="recovery", name="DockerMachine"):
    """One container; a replacement is another one, under another name and address."""

    container: pulumi.Output[str]
    address: pulumi.Output[str]
    address6: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        props: dict[str, pulumi.Input[Any]],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        outputs = {"container": None, "address": None, "address6": None}
        super().__init__(DockerMachineProvider(), name, {**outputs, **props}, opts)


def _load_steps() -> None:
    """Loads the steps while the machine boots; the clients' wait is shorter by that.

    Whatever hinders it shows where the steps are really asked for.
    """

    def load() -> None:
        with suppress(Exception):
            importlib.import_module("recovery.restore.run_group")

    threading.Thread(target=load, daemon=True).start()


def _wanted(props: dict[str, Any]) -> Any:
    from recovery.infra.docker_engine import Wanted

    return Wanted(
        image=props["image"],
        prefix=props["prefix"],
        network=props["network"],
        resolver=props["resolver"],
        volume=props["volume"],
        labels=props["labels"],
    )


def _outputs(props: dict[str, Any], found: Any) -> dict[str, Any]:
    return {
        **props,
        "container": found.name,
        "address": found.address,
        "address6": found.address6,
    }
