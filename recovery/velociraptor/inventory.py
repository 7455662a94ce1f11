"""What is on a server, counted and hashed: the measure that a recovery is held to.

An inventory maps org → item → key → digest. Two are compared key by key, so that every
difference can be named. Digests are SHA-256 of canonical JSON, shortened to 16 hex digits;
nonces, hashes and secrets never stand in one in the clear.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from recovery.velociraptor.stored_names import shortened

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
_BY_FILE = ("acls", "user_options")
"""Items whose keys are users' names as the files of a server have them."""


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


def whole_names(*inventories: Inventory) -> dict[str, str]:
    """``#`` and a SHA-1, as files have a long name → the user's name, of which the record tells.

    One who is really called so keeps the name: it can't be told which of the two a file is of.
    """
    roots = (inventory.orgs.get("root", {}) for inventory in inventories)
    users = {user for items in roots for user in items.get("users", {})}
    return {short: user for user in users if (short := shortened(user)) not in users}


def in_full(inventory: Inventory, names: Mapping[str, str]) -> Inventory:
    """The same, users called by ``names`` (:func:`whole_names`), not as files shorten them."""
    orgs = {
        org: {
            item: {names.get(key, key): value for key, value in entries.items()}
            if item in _BY_FILE
            else entries
            for item, entries in items.items()
        }
        for org, items in inventory.orgs.items()
    }
    return Inventory(orgs=orgs)


def digest(value: Any) -> str:
    """The short hash of any JSON value; equal values give equal digests."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
