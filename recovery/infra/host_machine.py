"""A machine that exists already, as a Pulumi resource: nothing is made, its identity is noted.

``/etc/machine-id`` tells whether the machine behind an address was installed anew; then every
step runs again on it.
"""

from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, ResourceProvider

from recovery.errors import TargetError


class HostMachineProvider(ResourceProvider):
    """Input: ``uri``, a target. The id is the machine's own."""

    serialize_as_secret_always = False

    def create(self, props: dict[str, Any]) -> CreateResult:
        return CreateResult(machine_id(props["uri"]), props)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        another = _olds.get("uri") != _news.get("uri") or machine_id(_news["uri"]) != _id
        return DiffResult(changes=another, replaces=["uri"] if another else [])

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        same = machine_id(props["uri"]) == id_
        return ReadResult(id_, props) if same else ReadResult("", {})


class HostMachine(Resource, module="recovery", name="HostMachine"):
    """One machine reached by SSH, or this one."""

    def __init__(
        self, name: str, uri: pulumi.Input[str], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(HostMachineProvider(), name, {"uri": uri}, opts)


def machine_id(uri: str) -> str:
    """The machine's own id; :class:`TargetError` when it can't be reached or has none."""
    from recovery.target import open_target

    target = open_target(uri)
    try:
        found = target.run(["cat", "/etc/machine-id"]).text.strip()
    finally:
        target.close()
    if not found:
        raise TargetError(
            "/etc/machine-id is empty",
            step="look at the machine",
            target=target.uri,
            hint="run `systemd-machine-id-setup` there; Debian 12 with systemd is expected",
        )
    return found
