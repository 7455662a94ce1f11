"""What each strategy can't bring back, and why: the losses that are told beforehand.

Sources: the facts on ``backup()`` and ``backup_restore()``, on the datastore's layout, and
the design's strategies. Whatever isn't in this table and is missing is a finding.
"""

from collections.abc import Collection, Sequence

from recovery.vault.manifest import Part
from recovery.velociraptor.inventory import ITEMS

_STATE = frozenset(ITEMS) - {"flows", "uploads"}
_BACKUP = frozenset(
    {
        "orgs",
        "users",
        "acls",
        "clients",
        "labels",
        "artifacts",
        "artifact_tags",
        "hunts",
        "notebooks",
    }
)
_ARCHIVES = frozenset({"flows", "uploads"})
_HUNT_ARCHIVES = frozenset({"hunts", "hunt_parameters", "hunt_results"})
"""Promised only where their artifacts are back: without them a hunt comes as it was written, and
can't run."""

_ONLY_STATE_OR_BACKUP = "a package holds none; state and backups do"
_ONLY_STATE = "no backup holds them; state does"
_ONLY_ARCHIVES = "neither state nor backup holds collections; collection archives do"

_ONLY_CUSTOM_TAGS = "no backup holds the tags of built-in artifacts; state does"

_ONLY_ENTITLED = "a backup names those users only that may do something; state holds them all"

_REASONS = {
    "orgs": "a package knows the root org only; other orgs' clients are refused (403) meanwhile",
    "users": _ONLY_STATE_OR_BACKUP,
    "passwords": "no backup holds password hashes; state does. Give these users new passwords",
    "user_options": "no backup holds what users set for themselves (language, time zone, links); "
    "state does",
    "acls": _ONLY_STATE_OR_BACKUP,
    "clients": "a package holds no client list; connected clients of the root org enrol again "
    "by themselves, under their old ids",
    "labels": _ONLY_STATE_OR_BACKUP,
    "client_metadata": _ONLY_STATE,
    "server_metadata": _ONLY_STATE,
    "artifacts": _ONLY_STATE_OR_BACKUP,
    "artifact_tags": _ONLY_STATE_OR_BACKUP,
    "hunts": _ONLY_STATE_OR_BACKUP,
    "hunt_parameters": "no backup holds hunt parameters or limits; state and hunt archives do",
    "hunt_results": "no backup holds them; state and hunt archives do",
    "flows": _ONLY_ARCHIVES,
    "uploads": _ONLY_ARCHIVES,
    "notebooks": _ONLY_STATE_OR_BACKUP,
    "client_monitoring": "no backup holds monitoring tables; state does. Defaults are in force",
    "server_monitoring": "no backup holds monitoring tables; state does. Defaults are in force",
    "secrets": _ONLY_STATE,
    "tools": _ONLY_STATE,
    "served_files": "no backup holds what the server hands out to endpoints; state does",
}


_PARTLY = {"artifact_tags": _ONLY_CUSTOM_TAGS, "users": _ONLY_ENTITLED}
"""What a backup holds in part."""


def brought(strategy: Sequence[Part]) -> frozenset[str]:
    """The items that a strategy promises to bring back whole. The package alone: none."""
    if "datastore" in strategy:
        return frozenset(ITEMS)
    items: frozenset[str] = frozenset()
    if "state" in strategy:
        items |= _STATE
    if "backup" in strategy:
        items |= _BACKUP
    if "collections" in strategy:
        items |= _ARCHIVES
        if {"state", "backup"} & set(strategy):
            items |= _HUNT_ARCHIVES
    return items


def expected_loss(
    item: str, strategy: Sequence[Part], short: Collection[str] = (), kept: Collection[str] = ()
) -> str | None:
    """Why ``strategy`` can't bring ``item`` back; ``None`` when it promises to.

    ``short``: the names that it did not bring back; ``kept``: those of the kind that a backup
    holds. Of tags these are the org's own artifacts', of users who has rights in some org (both
    seen in backups of a real server).
    """
    if item not in brought(strategy):
        return _REASONS[item]
    if item not in _PARTLY or {"state", "datastore"} & set(strategy):
        return None
    return _PARTLY[item] if short and not set(short) & set(kept) else None


def serves_org(org: str, strategy: Sequence[Part]) -> bool:
    """Whether the clients of ``org`` are let in again: the package alone knows the root's nonce."""
    return org == "root" or "orgs" in brought(strategy)
