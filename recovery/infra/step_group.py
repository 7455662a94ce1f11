"""A group of recovery steps as a Pulumi resource: it fails the update, and is tried again.

It runs when it is created, and again when the machine, the recovery point, the package or
the choice of what comes back changes; the steps themselves know what is done already.
Outputs carry what :class:`recovery.restore.request.GroupResult` holds.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
from pulumi.dynamic import (
    CheckResult,
    CreateResult,
    DiffResult,
    Resource,
    ResourceProvider,
    UpdateResult,
)

from recovery.file_hash import sha256_of
from recovery.infra.progress import say

_RUNS_AGAIN = (
    "machine",
    "triggers",
    "point",
    "packageSha256",
    "accountsSha256",
    "strategy",
    "deployment",
    "hunts",
    "accounts",
    "orgs",
    "providers",
    "users",
    "artifacts",
    "only_hunts",
    "flows_since",
    "flows_until",
)
"""Inputs whose change runs the group again. Not the target's URI, nor the vault's: a moved
vault or key file changes nothing on the server."""
_ON_TOP = ("machine", "packageSha256", "accountsSha256")
"""Those of them that are no part of the request."""


class StepGroupProvider(ResourceProvider):
    """The steps run in the provider's process, through ``recovery.restore.run_group``."""

    serialize_as_secret_always = False

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Adds the hashes of the package and of the approval of accounts.

        Another file under the same path counts as changed.
        """
        request = news["request"] if isinstance(news["request"], dict) else {}
        hashes = {f"{name}Sha256": _sha256(request.get(name)) for name in ("package", "accounts")}
        return CheckResult({**news, **hashes}, [])

    def create(self, props: dict[str, Any]) -> CreateResult:
        return CreateResult(f"{props['group']}@{props['machine'][:12]}", run(props))

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        return DiffResult(changes=_compared(_olds) != _compared(_news), replaces=[])

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        return UpdateResult(run(_news, point_kept(_olds, _news)))


@dataclass(frozen=True)
class StepGroupArgs:
    """What a group is given. ``request`` is a ``RestoreRequest`` without its target, as JSON."""

    group: str
    machine: pulumi.Input[str]
    """The machine's id: another machine runs the group again."""
    target: pulumi.Input[str]
    request: Mapping[str, pulumi.Input[Any]]
    triggers: Sequence[pulumi.Input[Any]] = field(default_factory=list)
    """Further values whose change runs the group again."""


class StepGroup(Resource, module="recovery", name="StepGroup"):
    """One group of steps on one machine."""

    point: pulumi.Output[str]
    """The recovery point in use, also where the newest was asked for; empty without a vault."""
    outcomes: pulumi.Output[list[dict[str, Any]]]
    """One for each step: step, status, detail, seconds, findings."""
    facts: pulumi.Output[dict[str, str]]
    seconds: pulumi.Output[float]

    def __init__(
        self, name: str, args: StepGroupArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        props = {
            "group": args.group,
            "machine": args.machine,
            "target": args.target,
            "request": dict(args.request),
            "triggers": list(args.triggers),
            "point": None,
            "outcomes": None,
            "facts": None,
            "seconds": None,
        }
        super().__init__(StepGroupProvider(), name, props, opts)


def run(props: dict[str, Any], point: str = "") -> dict[str, Any]:
    """Runs the group and returns the resource's outputs; raises what the group raises.

    ``point``: what "the newest" means; empty: the newest good one in the vault.
    """
    from recovery.restore.request import RestoreRequest
    from recovery.restore.run_group import run_group

    started = time.monotonic()
    wanted = {**props["request"], "target": props["target"]}
    request = RestoreRequest.model_validate(wanted)
    if request.vault and not request.point:
        request = request.model_copy(
            update={"point": point or newest_point(request.vault, request.deployment)}
        )
    result = run_group(props["group"], request, say).model_dump(mode="json")
    return {
        **props,
        "point": request.point,
        "outcomes": result["outcomes"],
        "facts": result["facts"],
        "seconds": round(time.monotonic() - started, 3),
    }


def point_kept(olds: dict[str, Any], news: dict[str, Any]) -> str:
    """The point that the machine has, where the newest is asked for again; else empty.

    A capture may have made a newer one since; its state is not put on top of the other's.
    """
    asked, before = (
        {name: props["request"].get(name) for name in ("point", "vault", "deployment")}
        for props in (news, olds)
    )
    if asked != before or olds.get("machine") != news["machine"]:
        return ""
    return str(olds.get("point") or "")


def newest_point(vault: str, deployment: str = "") -> str:
    """The id of the vault's newest good recovery point; :class:`VaultError` when it has none."""
    from recovery.restore.choose_point import newest_good
    from recovery.vault.store import open_vault

    return newest_good(open_vault(vault), deployment, say).point


def _compared(props: dict[str, Any]) -> dict[str, Any]:
    flat = {**props["request"], **{key: props.get(key) or "" for key in _ON_TOP}}
    flat["triggers"] = props.get("triggers") or []
    return {key: flat.get(key) for key in _RUNS_AGAIN}


def _sha256(package: object) -> str:
    path = Path(package) if isinstance(package, str) and package else None
    return sha256_of(path) if path is not None and path.is_file() else ""
