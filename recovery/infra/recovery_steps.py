"""The step groups of one recovery, on one machine, in the order the program asks for them."""

from collections.abc import Sequence
from typing import Any

import pulumi

from recovery.counts import things
from recovery.infra.machine import Machine
from recovery.infra.server_name import ServerName
from recovery.infra.step_group import StepGroup, StepGroupArgs
from recovery.settings import Settings


class RecoverySteps:
    """Makes the groups: ``server`` chooses the recovery point, the later ones take the same."""

    def __init__(self, machine: Machine, settings: Settings) -> None:
        self._machine = machine
        self._settings = settings
        self._point: pulumi.Input[str] = settings.point

    def server(self) -> StepGroup:
        """Everything up to a server that answers, before clients are sent to it."""
        group = self._group("server", [])
        if self._settings.vault:
            self._point = group.point
        return group

    def standby(self) -> StepGroup:
        """The package alone, its service held: a spare for `recovery standby`."""
        return self._group("standby", [])

    def collections(self, *after: pulumi.Resource) -> StepGroup:
        """The collection archives."""
        return self._group("collections", list(after))

    def proof(self, name: ServerName, *after: pulumi.Resource) -> StepGroup:
        """The checks, the comparison and the report; again when the address or name changes.

        Without a name of its own the stack sends nobody to the machine, and waits for nobody.
        """
        settings, machine = self._settings, self._machine
        request: dict[str, pulumi.Input[Any]] = {"client_wait": 0, "clients_sent": False}
        if name.promise:
            request = {"dns": name.promise}
        where = [machine.address, machine.address6, settings.name]
        return self._group("proof", [name, *after], request, where)

    def _group(
        self,
        name: str,
        after: list[pulumi.Resource],
        request: dict[str, pulumi.Input[Any]] | None = None,
        triggers: Sequence[pulumi.Input[Any]] = (),
    ) -> StepGroup:
        args = StepGroupArgs(
            group=name,
            machine=self._machine.identity,
            target=self._machine.target,
            request={**restore_request(self._settings), "point": self._point, **(request or {})},
            triggers=triggers,
        )
        # Hours, not the engine's default: a large import is no failure.
        timeouts = pulumi.CustomTimeouts(create="24h", update="24h")
        opts = pulumi.ResourceOptions(depends_on=after, custom_timeouts=timeouts)
        return StepGroup(name, args, opts)


def verdict(groups: Sequence[Sequence[dict[str, Any]]]) -> str:
    """The outcomes of all groups in one line: an `up` that ends with 0 may still have findings."""
    found = findings(groups)
    return f"recovered with {things(len(found), 'finding')}" if found else "recovered and verified"


def findings(groups: Sequence[Sequence[dict[str, Any]]]) -> list[str]:
    """What falls short, of all groups."""
    return [finding for group in groups for step in group for finding in step["findings"]]


def restore_request(settings: Settings) -> dict[str, Any]:
    """The settings as a ``RestoreRequest`` without its target, in JSON's types."""
    return {
        "vault": settings.vault,
        "point": settings.point,
        "package": settings.package,
        "strategy": list(settings.strategy),
        "repository": settings.repository,
        "deployment": settings.deployment,
        "hunts": settings.hunts,
        "accounts": settings.accounts,
        "orgs": list(settings.orgs),
        "providers": list(settings.providers),
        "users": list(settings.users),
        "artifacts": list(settings.artifacts),
        "only_hunts": list(settings.only_hunts),
        "flows_since": settings.flows_since or None,
        "flows_until": settings.flows_until or None,
        "over_running_server": settings.over_running_server,
        "ready_timeout": settings.ready_timeout,
    }
