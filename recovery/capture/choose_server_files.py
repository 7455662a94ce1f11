"""Which package and which config of old material are the newest: by what is in them. Pure.

The times of files tell last: whoever copies a folder gives all of them one.
"""

import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeVar

from cryptography import x509

from recovery.capture.look_inside import Inside
from recovery.velociraptor.config import ServerConfig

T = TypeVar("T")
_PART = re.compile(r"\d+|~|[A-Za-z]+|[^A-Za-z0-9~]+")
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_BY_TIMES = "nothing in them tells, by the files' times it is the last"


class Choice(NamedTuple):
    """A place in a sequence, why it was taken, and whether only files' times told."""

    place: int
    why: str
    by_times: bool = False


def newest_config(configs: Sequence[ServerConfig]) -> Choice:
    """Of ``configs``, by their files' times: that with the newest certificate, then version.

    A server's certificate is made anew each year, or with new keys: the clients and the API
    believe the last one (facts: Configuration and keys).
    """
    return _newest(
        configs,
        [
            ("its certificate is the newest", _certified_at),
            ("its version is the highest", lambda config: version_key(_version(config))),
        ],
        lambda config: config.fingerprint,
    )


def newest_package(packages: Sequence[Inside], config: str) -> Choice:
    """Of ``packages``, by their files' times: the highest version, then that with ``config``."""
    return _newest(
        packages,
        [
            ("its version is the highest", lambda package: version_key(package.version)),
            ("it has the config", lambda package: package.config_fingerprint == config),
        ],
        lambda package: package.sha256,
    )


def _newest(things: Sequence[T], keys: Sequence[tuple[str, Any]], content: Any) -> Choice:
    """The last of those that are the highest by ``keys``, of which the first counts most."""
    best = [*enumerate(things)]
    why = ""
    for words, key in keys:
        highest = max(key(thing) for _, thing in best)
        left = [(place, thing) for place, thing in best if key(thing) == highest]
        why = why or (words if len(left) < len(best) else "")
        best = left
    by_times = len({content(thing) for _, thing in best}) > 1
    return Choice(best[-1][0], _BY_TIMES if by_times else why or "they are the same", by_times)


def version_key(version: str) -> list[tuple[int, int, str]]:
    """A version in its place among Debian's: 0.77.2~rc1 before 0.77.2 before 0.77.2-1."""
    parts = [_part(part) for part in _PART.findall(version)]
    return [*parts, (0, 0, "")]


def _part(part: str) -> tuple[int, int, str]:
    if part.isdigit():
        return 3, int(part), ""
    if part == "~":
        return -1, 0, ""
    return (1 if part.isalpha() else 2), 0, part


def _certified_at(config: ServerConfig) -> datetime:
    with suppress(ValueError, TypeError, KeyError, AttributeError):
        pem = str(config.values["Frontend"]["certificate"]).encode()
        return x509.load_pem_x509_certificate(pem).not_valid_before_utc
    return _LONG_AGO


def _version(config: ServerConfig) -> str:
    about = config.values.get("version")
    return str(about.get("version") or "") if isinstance(about, dict) else ""
