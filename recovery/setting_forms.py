"""The forms that settings must have, beyond their types: names, machines, moments, addresses."""

from datetime import UTC, datetime
from ipaddress import ip_address

from recovery.refused_values import none_of, short
from recovery.restore.choice import PROVIDERS, VELOCIRAPTORS_NAMES

_LABEL = "[a-zA-Z0-9_]([a-zA-Z0-9_-]*[a-zA-Z0-9_])?"
NAME = rf"^({_LABEL}(\.{_LABEL})*\.?)?$"
"""A DNS name, or nothing."""


def provider(text: str) -> str:
    """One of the things that can come back, also by Velociraptor's own name."""
    good = [*PROVIDERS, *VELOCIRAPTORS_NAMES]
    if text.lower() not in good:
        raise ValueError(none_of(text, PROVIDERS))
    return text


def moment(text: str) -> str:
    """A time in ISO 8601, or nothing."""
    try:
        datetime.fromisoformat(text or "2000-01-01")
    except ValueError:
        raise ValueError(f"{short(text)!r} is no time, like 2026-01-31T12:00:00") from None
    return text


def as_utc(text: str) -> datetime:
    """Such a time; one without a zone is UTC, like every time in a recovery point."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def machine(text: str) -> str:
    """A target that a stack can be told, or nothing."""
    if text and not text.startswith(("ssh://", "local://")):
        raise ValueError(f"{short(text)!r} is no machine, like ssh://root@192.0.2.7 or local://")
    return text


def wrong_address(text: str) -> bool:
    """Whether it is neither empty nor an IP address."""
    try:
        ip_address(text or "::")
    except ValueError:
        return True
    return False


def host_of(server: str) -> str:
    """The address in ``ADDRESS``, ``ADDRESS:PORT`` or ``[V6]:PORT``."""
    if server.startswith("["):
        return server[1:].partition("]")[0]
    return server.partition(":")[0] if server.count(":") == 1 else server
