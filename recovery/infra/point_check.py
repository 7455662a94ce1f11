"""The recovery point is looked at before a machine is made for it, also in a preview.

A resource, so that it is asked once: a stack that was recovered is not refused because its point
has left the vault since.
"""

from typing import Any

import pulumi
from pulumi.dynamic import (
    CheckFailure,
    CheckResult,
    CreateResult,
    DiffResult,
    Resource,
    ResourceProvider,
    UpdateResult,
)

from recovery.errors import EXIT_BAD_INPUT, RecoveryError
from recovery.infra.recovery_steps import restore_request
from recovery.settings import Settings

_ASKED = (
    "point",
    "deployment",
    "strategy",
    "repository",
    "orgs",
    "providers",
    "users",
    "artifacts",
    "only_hunts",
)
"""What decides whether the point will do. Not the vault's URI: a moved vault changes nothing."""


class PointCheckProvider(ResourceProvider):
    """Input: ``request``, a ``RestoreRequest`` without its target, as JSON."""

    serialize_as_secret_always = False

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Refuses a point that isn't there, or will not do.

        A vault that can't be read from here refuses nothing yet: a preview may be made elsewhere.
        """
        request = news["request"]
        if _asked(_olds) == _asked(news):
            return CheckResult({**news, "read": _olds.get("read", True)}, [])
        try:
            look(request)
        except RecoveryError as refused:
            failures = [CheckFailure("", str(refused))]
            known = refused.exit_code == EXIT_BAD_INPUT
            return CheckResult({**news, "read": False}, failures if known else [])
        return CheckResult({**news, "read": True}, [])

    def create(self, props: dict[str, Any]) -> CreateResult:
        return CreateResult("point", _looked_at(props))

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        return DiffResult(changes=_asked(_olds) != _asked(_news), replaces=[])

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        return UpdateResult(_looked_at(_news))


class PointCheck(Resource, module="recovery", name="PointCheck"):
    """That the vault has the point that is asked for, and that it will do."""

    def __init__(
        self, name: str, request: dict[str, Any], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(PointCheckProvider(), name, {"request": request}, opts)


def check_before(settings: Settings) -> list[pulumi.Resource]:
    """What a machine depends on; nothing for a first deployment, which has no recovery point."""
    return [PointCheck("point", restore_request(settings))] if settings.vault else []


def look(request: dict[str, Any]) -> None:
    """Raises what the recovery's own check would, as far as it needs no machine."""
    from recovery.restore.check_point import check_asked
    from recovery.restore.context import Context
    from recovery.restore.request import parse_request

    try:
        with Context(parse_request(**request, target="local://"), lambda _line: None) as context:
            check_asked(context)
    except RecoveryError as refused:
        refused.step = refused.step or "check the recovery point"
        raise


def _looked_at(props: dict[str, Any]) -> dict[str, Any]:
    if not props.get("read"):
        look(props["request"])
    return {**props, "read": True}


def _asked(props: dict[str, Any]) -> dict[str, Any]:
    request = props.get("request") or {}
    return {key: request[key] for key in _ASKED if key in request}
