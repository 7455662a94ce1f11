"""The log of who did what: ``server_artifacts/Server.Audit.Logs/<day>.json`` and ``.tidx``."""

from __future__ import annotations

import struct
import threading
import time
from typing import Any

from server_app.datastore import folders, tables
from server_app.datastore.store import DiskFullError, Store

_TIMES = struct.Struct("<qqq")


class Audit:
    """A table a day; beside it, for each row, its time (ns), offset and annotation (none)."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()

    def add(self, operation: str, principal: str, details: dict[str, Any]) -> None:
        """Adds a row; a full disk loses it silently."""
        now = time.time_ns()
        day = time.strftime("%Y-%m-%d", time.gmtime(now // 1_000_000_000))
        row = {
            "operation": operation,
            "principal": principal,
            "details": details,
            "_ts": now // 1_000_000_000,
        }
        path = self._store.path("server_artifacts", "Server.Audit.Logs", day, suffix=".json")
        try:
            self._store.require_space()
            with self._lock:
                at = path.stat().st_size if path.exists() else 0
                folders.make(path.parent)
                with path.open("ab") as stream:
                    stream.write(tables.line(row))
                with path.with_name(path.name + ".tidx").open("ab") as stream:
                    stream.write(_TIMES.pack(now, at, 0))
        except DiskFullError:
            return
