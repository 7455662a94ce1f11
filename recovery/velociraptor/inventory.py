"""What is on a server, counted and hashed: the measure that a recovery is held to.

An inventory maps org → item → key → digest. Two are compared key by key, so that every
difference can be named. Digests are SHA-256 of canonical JSON, shortened to 16 hex digits;
nonces, hashes and secrets never stand in one in the clear.
"""

import hashlib
import json
from typing import Any

from pydantic import BaseModel, ConfigDict

ITEMS = (
    "orgs",
    "users",
    "passwords",
    "user_options",
    "acls",
    "clients",
    "labels",
    "client_metadata",
    "server_metadata",
    "artifacts",
    "artifact_tags",
    "hunts",
    "hunt_parameters",
    "hunt_results",
    "flows",
    "uploads",
    "notebooks",
    "client_monitoring",
    "server_monitoring",
    "secrets",
    "tools",
    "served_files",
)
"""Every kind of thing that is counted, in the order of the report."""

Entries = dict[str, str]


class Inventory(BaseModel):
    """``orgs[org_id][item][key] = digest``; ``root`` is the root org's id."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    orgs: dict[str, dict[str, Entries]]

    def counts(self) -> dict[str, dict[str, int]]:
        """The number of keys per org and item."""
        return {
            org: {item: len(entries) for item, entries in items.items()}
            for org, items in self.orgs.items()
        }


def digest(value: Any) -> str:
    """The short hash of any JSON value; equal values give equal digests."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
