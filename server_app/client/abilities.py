"""What queries can do on a client: info(), upload(), items().

Importing registers them with the query language. Which machine and which collection a call
belongs to is known from the context in which the query runs.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from server_app.client.host import this_host
from server_app.vql.registry import Call, function, optional, plugin, required

Send = Callable[[str, list[str], bytes], None]


@dataclass(frozen=True)
class Where:
    """The machine on which a query runs, and how a file leaves it."""

    host: dict[str, Any]
    send: Send | None = None


_where: ContextVar[Where | None] = ContextVar("where", default=None)


@contextlib.contextmanager
def on(where: Where) -> Iterator[None]:
    """Queries in this block run there."""
    token = _where.set(where)
    try:
        yield
    finally:
        _where.reset(token)


@plugin("info", {})
def info(_call: Call, _arguments: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """One row about the machine."""
    where = _where.get()
    yield dict(where.host if where else this_host())


@plugin("items", {"item": required("any")})
def items(_call: Call, arguments: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A row for each member of a dict, list or query: `_key` and `_value`."""
    item = arguments["item"]
    if hasattr(item, "rows"):
        item = next(iter(item.rows()), {})
    if isinstance(item, list) and len(item) == 1 and hasattr(item[0], "items"):
        item = item[0]
    pairs = item.items() if hasattr(item, "items") else enumerate(item or [])
    for key, value in pairs:
        yield {"_key": key, "_value": value}


@function(
    "upload",
    {"file": required("any"), "accessor": optional("string", "auto"), "name": optional("any")},
)
def upload(call: Call, arguments: dict[str, Any]) -> dict[str, Any] | None:
    """Sends a file to the server; null and a log line if it can't be read."""
    where = _where.get()
    if where is None or where.send is None:
        call.fail("uploads are possible on clients only")
        return None
    text, accessor = str(arguments["file"]), arguments["accessor"]
    try:
        data = text.encode() if accessor == "data" else Path(text).read_bytes()
    except OSError as error:
        call.fail(f"Unable to open {text}: {error.strerror}")
        return None
    shown = str(arguments["name"] or text)
    components = [part for part in shown.split("/") if part] or ["data"]
    where.send(accessor, components, data)
    return {
        "Path": shown,
        "Size": len(data),
        "UploadId": 0,
        "StoredSize": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "md5": hashlib.md5(data, usedforsecurity=False).hexdigest(),
        "StoredName": shown,
        "Components": components,
        "Accessor": accessor,
    }
