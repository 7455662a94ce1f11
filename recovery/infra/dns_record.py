"""The server's name as a Pulumi resource, compared with the authoritative server at every up.

On `pulumi destroy` the record goes only while it still says what this stack wrote: where
another stack has taken the name over, it stays. So the end of an old stack, whose state turned
up again, can never take the clients away from the new server.
"""

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

_PLACE = ("server", "zone", "name")


class DnsRecordProvider(ResourceProvider):
    """Inputs: name, addresses, ttl, server, zone, keyName, keySecret (secret), keyAlgorithm."""

    serialize_as_secret_always = False

    def create(self, props: dict[str, Any]) -> CreateResult:
        return CreateResult(props["name"], _publish(props))

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        replaces = [key for key in _PLACE if _olds.get(key) != _news.get(key)]
        changes = _said(_olds) != _said(_news) or bool(replaces)
        return DiffResult(changes=changes or not _published(_news), replaces=replaces)

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        return UpdateResult(_publish(_news))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        from recovery.infra import dns_update

        seen = dns_update.look_up(_door(props), props["name"])
        if seen is None:
            return ReadResult("", {})
        return ReadResult(id_, {**props, "ttl": seen.ttl, "addresses": list(seen.addresses)})

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        from recovery.infra import dns_update

        dns_update.withdraw(_door(_props), _record(_props))


class DnsRecord(Resource, module="recovery", name="DnsRecord"):
    """A and AAAA of one name, published by RFC 2136."""

    def __init__(
        self,
        name: str,
        props: dict[str, pulumi.Input[Any]],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        secret = pulumi.Output.secret(props["keySecret"])
        super().__init__(DnsRecordProvider(), name, {**props, "keySecret": secret}, opts)


def _publish(props: dict[str, Any]) -> dict[str, Any]:
    from recovery.infra import dns_update

    dns_update.publish(_door(props), _record(props))
    return props


def _published(props: dict[str, Any]) -> bool:
    """Whether the server says it already; an address still unknown (preview) counts as no."""
    from recovery.infra import dns_update

    addresses = props.get("addresses")
    if not isinstance(addresses, list) or not all(isinstance(one, str) for one in addresses):
        return False
    wanted = _record(props)
    seen = dns_update.look_up(_door(props), wanted.name)
    return (
        seen is not None
        and seen.ttl == wanted.ttl
        and all(seen.of(kind) == wanted.of(kind) for kind in ("A", "AAAA"))
    )


def _said(props: dict[str, Any]) -> tuple[Any, Any]:
    return props.get("addresses"), props.get("ttl")


def _door(props: dict[str, Any]) -> Any:
    from recovery.infra.dns_update import Door

    return Door(
        server=props["server"],
        zone=props["zone"],
        key_name=props["keyName"],
        key_secret=props["keySecret"],
        key_algorithm=props["keyAlgorithm"],
    )


def _record(props: dict[str, Any]) -> Any:
    from recovery.infra.dns_update import Record

    return Record(props["name"], int(props["ttl"]), tuple(one for one in props["addresses"] if one))
