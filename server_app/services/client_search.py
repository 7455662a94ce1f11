"""What a search term asks of a client's record."""

from __future__ import annotations

import re
from collections.abc import Callable

from server_app.datastore import records


def matcher(search: str) -> Callable[[records.Record], bool]:
    """What a search term asks of a record: label:, host:, mac:, an id or a host name's start."""
    kind, _, value = search.partition(":")
    if search == "all":
        return lambda _record: True
    wanted = _pattern(value if kind in {"label", "host", "mac"} else search)
    if kind == "label":
        return lambda record: any(wanted(label) for label in record.get("labels", []))
    if kind == "host":
        return lambda record: wanted(record.get("hostname", "")) or wanted(record.get("fqdn", ""))
    if kind == "mac":
        return lambda record: any(wanted(mac) for mac in record.get("mac_addresses", []))
    return lambda record: any(
        wanted(record.get(field, "")) for field in ("client_id", "hostname", "fqdn")
    )


def _pattern(text: str) -> Callable[[str], bool]:
    parts = (re.escape(part) for part in text.lower().split("*"))
    compiled = re.compile(".*".join(parts))
    return lambda value: bool(value) and compiled.fullmatch(value.lower()) is not None
