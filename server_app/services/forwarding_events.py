"""What the server's own monitoring recorded: rows and log lines, a file a day.

``server_artifacts/<Artifact>/<day>.json`` and ``server_artifact_logs/<Artifact>/<day>.json``, each
with a ``.tidx`` of times (ns), offsets and annotations, as seen of a real server.
"""

from __future__ import annotations

import json
import struct
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from server_app.datastore import folders, tables
from server_app.datastore.store import DiskFullError

if TYPE_CHECKING:
    from server_app.datastore.store import Store

_TIMES = struct.Struct("<qqq")
ROWS, LOGS = "server_artifacts", "server_artifact_logs"


class Events:
    """The recorded events of an org's server artifacts."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()

    def add(self, kind: str, artifact: str, row: dict[str, Any]) -> None:
        """Adds a row to :data:`ROWS` or :data:`LOGS`; a full disk loses it silently."""
        now = time.time_ns()
        day = time.strftime("%Y-%m-%d", time.gmtime(now // 1_000_000_000))
        path = self._store.path(kind, *artifact.split("/"), day, suffix=".json")
        try:
            self._store.require_space()
            with self._lock:
                folders.make(path.parent)
                at = path.stat().st_size if path.exists() else 0
                with path.open("ab") as stream:
                    stream.write(tables.line({**row, "_ts": now // 1_000_000}))
                with path.with_name(path.name + ".tidx").open("ab") as stream:
                    stream.write(_TIMES.pack(now, at, 0))
        except DiskFullError:
            return

    def read(self, kind: str, artifact: str, since: float) -> Iterator[dict[str, Any]]:
        """The rows from ``since`` (seconds since 1970) on, oldest first."""
        folder = self._store.path(kind, *artifact.split("/"))
        for path in sorted(folder.glob("*.json")) if folder.is_dir() else []:
            with self._lock:
                lines = path.read_bytes().splitlines()
            for line in lines:
                try:
                    row = json.loads(line)
                except ValueError:
                    continue
                if row.get("_ts", 0) >= since * 1000:
                    yield row
