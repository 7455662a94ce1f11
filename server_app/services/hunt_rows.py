"""A hunt as a query row and as a row of the index (``hunts/index.json``)."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

from server_app.datastore import records


def shown(hunt: records.Record) -> dict[str, Any]:
    return records.full("Hunt", {**hunt, "stats": hunt.get("stats") or {}})


def index_row(hunt: records.Record) -> dict[str, Any]:
    packed = json.dumps(records.spelled("Hunt", hunt), separators=(",", ":")).encode()
    return {
        "HuntId": hunt["hunt_id"],
        "Description": hunt.get("hunt_description", ""),
        "Tags": "\n".join(hunt.get("tags", [])),
        "Created": hunt.get("create_time", 0),
        "Started": hunt.get("start_time", 0),
        "Expires": hunt.get("expires", 0),
        "Creator": hunt.get("creator", ""),
        "Hunt": base64.b64encode(packed).decode(),
    }


def iso(microseconds: int) -> str:
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(microseconds // 1_000_000))
    return f"{stamp}.{microseconds % 1_000_000:06d}Z"
