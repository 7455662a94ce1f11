"""What a search term asks of a client's record."""

from __future__ import annotations

import re
from collections.abc import Callable

from server_app.datastore import records
from server_app.services.errors import ServiceError


def matcher(search: str) -> Callable[[records.Record], bool]:
    """What a search term asks of a record: label:, host:, mac:, ip:, an id or a name's start.

    Raises ServiceError for another word before a colon.
    """
    search = search.strip()
    kind, colon, value = search.partition(":")
    if search == "all":
        return lambda _record: True
    if search[:2].lower() == "c." or not colon:
        wanted = _start(search)
        return lambda record: any(
            wanted(record.get(field, "")) for field in ("client_id", "hostname", "fqdn")
        )
    if kind not in _KINDS:
        raise ServiceError(f"Invalid search operator {kind}")
    return _KINDS[kind](value)


def _labeled(value: str) -> Callable[[records.Record], bool]:
    if value == "none":
        return lambda record: not record.get("labels")
    wanted = _pattern(value)
    return lambda record: any(wanted(label) for label in record.get("labels", []))


def _named(value: str) -> Callable[[records.Record], bool]:
    wanted = _pattern(value)
    return lambda record: wanted(record.get("hostname", "")) or wanted(record.get("fqdn", ""))


def _with_mac(value: str) -> Callable[[records.Record], bool]:
    wanted = _pattern(value)
    return lambda record: any(wanted(mac) for mac in record.get("mac_addresses", []))


def _at_address(value: str) -> Callable[[records.Record], bool]:
    return lambda record: str(record.get("ip_address", "")).startswith(value)


def _by_id(value: str) -> Callable[[records.Record], bool]:
    return matcher(value)


def _never(_value: str) -> Callable[[records.Record], bool]:
    return lambda _record: False


_KINDS: dict[str, Callable[[str], Callable[[records.Record], bool]]] = {
    "label": _labeled, "host": _named, "mac": _with_mac, "ip": _at_address, "recent": _never,
    "client": _by_id,
}  # fmt: skip


def _start(text: str) -> Callable[[str], bool]:
    """An id is meant by its start, a host name as a whole, unless there is a `*`."""
    by_id = text[:2].lower() == "c." and "*" not in text
    return _pattern(f"{text}*" if by_id else text)


def _pattern(text: str) -> Callable[[str], bool]:
    parts = (re.escape(part) for part in text.lower().split("*"))
    compiled = re.compile(".*".join(parts))
    return lambda value: bool(value) and compiled.fullmatch(value.lower()) is not None
