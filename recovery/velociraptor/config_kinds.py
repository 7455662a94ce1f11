"""Is each setting that a recovery reads of the kind that it has to be? Pure.

Known before anything is changed: a port that is none would end a recovery after its server was
installed.
"""

from collections.abc import Mapping
from typing import Any

_SECTIONS = ("CA", "Client", "Frontend", "Frontend.resources", "GUI", "API", "Datastore")
_PORTS = ("Frontend.bind_port", "API.bind_port", "GUI.bind_port")
_LAST_PORT = 65535
_NUMBERS = (
    "Client.max_poll",
    "Client.max_poll_std",
    "Frontend.resources.client_info_write_time",
    "Datastore.memcache_write_mutation_max_age",
    "Datastore.memcache_write_mutation_min_age",
)
_MOST = 1e7
"""Seconds, or milliseconds: a recovery waits for as long as these say."""
_TEXTS = (
    "CA.private_key",
    "Client.pinned_server_name",
    "Frontend.bind_address",
    "API.bind_address",
    "GUI.bind_address",
    "Datastore.implementation",
    "Datastore.filestore_directory",
)
_LISTS = ("Client.server_urls",)


def wrong_kind(values: Mapping[str, Any]) -> str:
    """The first setting that is of another kind, in words without its value; empty for none."""
    kinds = (
        (_SECTIONS, "section", lambda value: isinstance(value, dict)),
        (_PORTS, "port", _is_port),
        (_NUMBERS, "number", _is_number),
        (_TEXTS, "text", lambda value: isinstance(value, str)),
        (_LISTS, "list", lambda value: isinstance(value, list)),
    )
    for names, kind, fits in kinds:
        for name in names:
            value = _at(values, name)
            if value is not None and not fits(value):
                return f"{name} is no {kind}"
    return ""


def _at(values: Any, dotted: str) -> Any:
    for part in dotted.split("."):
        values = values.get(part) if isinstance(values, Mapping) else None
    return values


def _is_port(value: object) -> bool:
    text = str(value)
    return text.isascii() and text.isdecimal() and int(text[:6]) <= _LAST_PORT


def _is_number(value: Any) -> bool:
    try:
        return abs(float(value)) <= _MOST  # false for what is no number at all
    except (TypeError, ValueError, OverflowError):
        return False
