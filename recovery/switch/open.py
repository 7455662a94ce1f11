"""From a switch's URI to the switch. To add a kind: a file beside this, a line in ``_KINDS``."""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs

from recovery.errors import BadInputError
from recovery.infra.dns_update import Door, endpoint, zone_of
from recovery.switch.forms import FORMS
from recovery.switch.protocol import Switch

_PARTS = (2, 3)
_ALGORITHMS = ("hmac-sha256", "hmac-sha384", "hmac-sha512", "hmac-sha224")
"""As :class:`recovery.grouped_settings.DnsSettings` takes them; the first where none is named."""


@dataclass(frozen=True)
class _Given:
    """A URI's parts: ``place`` is all between ``://`` and ``?``."""

    uri: str
    place: str
    options: dict[str, str]

    def number(self, name: str, default: int, most: int) -> int:
        text = self.options.get(name, str(default))
        if not text.isdigit() or int(text) > most:
            raise self.wrong(f"{name} is no number from 0 to {most}: {text!r}")
        return int(text)

    def wrong(self, message: str) -> BadInputError:
        return BadInputError(message, step="open the switch", target=self.uri, hint=f"use\n{FORMS}")


def open_switch(uri: str) -> Switch:
    """The switch that ``uri`` names; nothing is contacted before its first use.

    Secrets are never part of the URI: the TSIG key is in a file, AWS credentials in the
    environment. Raises :class:`BadInputError` for any other form than :data:`FORMS`.
    """
    kind, found, rest = uri.partition("://")
    place, _, query = rest.partition("?")
    parsed = parse_qs(query, keep_blank_values=True)
    given = _Given(uri, place, {name: values[-1] for name, values in parsed.items()})
    if not found or kind not in _KINDS or not place:
        raise given.wrong("not a switch")
    make, known = _KINDS[kind]
    if unknown := set(given.options) - set(known):
        raise given.wrong(f"unknown option {', '.join(sorted(unknown))}")
    return make(given)


def _dns(given: _Given) -> Switch:
    from recovery.switch.dns_name import DnsName  # noqa: PLC0415 - each kind loads its own library

    server, _, host = given.place.partition("/")
    if not host:
        raise given.wrong("the name is missing")
    endpoint(server)
    algorithm, key_name, secret = "hmac-sha256", "", ""
    if file := given.options.get("key", ""):
        algorithm, key_name, secret = read_tsig_key(Path(file))
    door = Door(server, zone_of(host, given.options.get("zone", "")), key_name, secret, algorithm)
    return DnsName(door, host.rstrip("."), given.number("ttl", 60, 86400) or 1)


def _route53(given: _Given) -> Switch:
    from recovery.aws_api import aws_client  # noqa: PLC0415
    from recovery.switch.route53 import Route53Record  # noqa: PLC0415

    host = given.place.rstrip("./")
    client = aws_client("route53", *_aws(given))
    zone = zone_of(host, given.options.get("zone", ""))
    return Route53Record(client, host, zone, given.number("ttl", 60, 86400))


def _target_group(given: _Given) -> Switch:
    from recovery.aws_api import aws_client  # noqa: PLC0415
    from recovery.switch.target_group import TargetGroup  # noqa: PLC0415

    parts = given.place.split(":")
    if parts[0] != "arn" or len(parts) != 6 or not parts[5].startswith("targetgroup/"):  # noqa: PLR2004
        raise given.wrong("not the ARN of a target group")
    region, address = _aws(given)
    balancers, machines = (
        aws_client(name, region or parts[3], address) for name in ("elbv2", "ec2")
    )
    return TargetGroup(balancers, machines, given.place, given.number("port", 0, 65535))


def _haproxy(given: _Given) -> Switch:
    from recovery.switch.haproxy import HaproxyBackend  # noqa: PLC0415
    from recovery.switch.haproxy_socket import runtime_api  # noqa: PLC0415
    from recovery.target import open_target  # noqa: PLC0415

    place, backend = given.place, given.options.get("backend", "")
    if not place.startswith("/"):
        place, _, backend = place.partition("/")
        if not place.rpartition(":")[2].isdigit() or backend == "":
            raise given.wrong("HOST:PORT/BACKEND is expected")
    elif not backend:
        raise given.wrong("the backend is missing")
    via = given.options.get("via", "")
    ask = runtime_api(place, open_target(via) if via else None)
    return HaproxyBackend(ask, backend, via or place, given.number("port", 0, 65535))


def _aws(given: _Given) -> tuple[str, str]:
    return given.options.get("region", ""), given.options.get("endpoint", "")


_KINDS: dict[str, tuple[Callable[[_Given], Switch], tuple[str, ...]]] = {
    "dns": (_dns, ("key", "zone", "ttl")),
    "route53": (_route53, ("zone", "ttl", "region", "endpoint")),
    "targetgroup": (_target_group, ("port", "region", "endpoint")),
    "haproxy": (_haproxy, ("backend", "port", "via")),
}


def read_tsig_key(path: Path) -> tuple[str, str, str]:
    """Algorithm, name and secret from a file with one line ``[ALGORITHM:]NAME:SECRET``.

    Raises :class:`BadInputError`, also for a file that others can read: whoever has the key can
    send the clients elsewhere.
    """
    hint = "one line: [ALGORITHM:]NAME:SECRET, as nsupdate -y takes it"
    try:
        mode = path.stat().st_mode
        parts = path.read_text().strip().split(":")
    except (OSError, ValueError) as refused:
        why = refused.strerror if isinstance(refused, OSError) else "it is no text"
        raise BadInputError(f"can't read it: {why}", target=str(path), hint=hint) from refused
    if mode & 0o077:
        raise BadInputError("others can read it", target=str(path), hint=f"`chmod 600 {path}`")
    algorithm = parts[0].lower() if len(parts) == max(_PARTS) else _ALGORITHMS[0]
    if len(parts) not in _PARTS or not all(parts) or not _is_base64(parts[-1]):
        raise BadInputError("not a TSIG key", target=str(path), hint=hint)
    if algorithm not in _ALGORITHMS:
        raise BadInputError(
            f"not an algorithm of TSIG: {parts[0]!r}",
            target=str(path),
            hint=f"use {', '.join(_ALGORITHMS)}",
        )
    return algorithm, parts[-2], parts[-1]


def _is_base64(text: str) -> bool:
    try:
        return bool(base64.b64decode(text, validate=True))
    except ValueError:
        return False
