"""What a kind of resource must be able to do."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from botocore.exceptions import ClientError

from aws_double.account import Account


class RefusedError(Exception):
    """The double's own no: something that the real provider would refuse too, or that it lacks."""


class Kind:
    """One resource type of the SDK. ``given`` are its inputs, as Python's values."""

    token: ClassVar[str]
    makes_another: ClassVar[frozenset[str]] = frozenset()
    """Inputs whose change makes another resource."""
    named: ClassVar[str] = ""
    """The input that gets a name with a random end when it is not given."""
    deleted_first: ClassVar[bool] = False

    def create(self, account: Account, name: str, given: dict[str, Any]) -> str:
        """Makes it by one call; its id."""
        raise NotImplementedError

    def settle(self, account: Account, ident: str, given: dict[str, Any]) -> None:
        """What must follow; safe to repeat."""

    def look(self, account: Account, ident: str, given: dict[str, Any]) -> dict[str, Any] | None:
        """What is there beside the inputs, in the SDK's names; None when it is gone."""
        return {}

    def adopt(self, account: Account, ident: str) -> dict[str, Any]:
        """The inputs of one that exists, for an import."""
        raise RefusedError(f"the double can't import {self.token}")

    def delete(self, account: Account, ident: str, known: dict[str, Any]) -> None:
        """Takes it away; what is gone already is fine."""


def tags(given: Mapping[str, Any]) -> list[dict[str, str]]:
    """The SDK's map of tags as AWS's list."""
    return [{"Key": key, "Value": str(value)} for key, value in (given.get("tags") or {}).items()]


def tagged(kind: str, given: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Tags for a call of EC2's that makes something."""
    return [{"ResourceType": kind, "Tags": tags(given)}] if given.get("tags") else []


def gone(call: Callable[[], Any]) -> Any:
    """The call's answer, or None when AWS says that there is no such thing."""
    try:
        return call()
    except ClientError as refused:
        code = str(refused.response["Error"]["Code"])
        if "NotFound" in code or "NoSuch" in code or code in ("404", "AccessDenied404"):
            return None
        raise
