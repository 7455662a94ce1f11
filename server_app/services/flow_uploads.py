"""Rows about uploaded files: as stored beside a flow, and as queries see them."""

from __future__ import annotations

import time
from typing import Any

Strings = list[str]
_CLIENTS_ALONE = ("Type", "_accessor", "_client_components")
"""What a row about an upload of the server's own collections lacks (seen on 0.77.2)."""


def stored_row(stored: Strings, accessor: str, components: Strings, size: int) -> dict[str, Any]:
    now = time.time()
    started = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(now))
    return {
        "Timestamp": int(now),
        "started": f"{started}.{int(now % 1 * 1e9):09d} +0000 UTC",
        "vfs_path": "/" + "/".join(components),
        "Type": "",
        "_Components": stored,
        "file_size": size,
        "_accessor": accessor or "file",
        "_client_components": components,
        "uploaded_size": size,
    }


def servers_row(stored: Strings, components: Strings, size: int) -> dict[str, Any]:
    row = stored_row(stored, "", components, size)
    return {key: value for key, value in row.items() if key not in _CLIENTS_ALONE}


def upload_row(row: dict[str, Any], client_id: str = "", flow_id: str = "") -> dict[str, Any]:
    """A stored row as uploads() shows it."""
    components = row.get("_Components") or []
    upload = {
        "Path": row.get("vfs_path", ""),
        "Size": row.get("file_size", 0),
        "StoredSize": row.get("uploaded_size", 0),
        "Components": components,
        "Accessor": row.get("_accessor", ""),
        "UploadId": 0,
    }
    shown = {
        **row,
        "vfs_path": "fs:/" + "/".join(components),
        "client_path": row.get("vfs_path", ""),
        "Upload": upload,
    }
    return {**shown, "ClientId": client_id, "FlowId": flow_id} if client_id else shown
