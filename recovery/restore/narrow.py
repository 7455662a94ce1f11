"""What a recovery is held to where not everything was chosen, and what was left out, counted."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime

from recovery.restore.choice import Choice, Provider
from recovery.vault.manifest import Manifest
from recovery.velociraptor.inventory import Entries, Inventory
from recovery.velociraptor.stored_names import same_user

_PROVIDER_OF: dict[str, Provider] = {
    "users": "users",
    "passwords": "users",
    "user_options": "users",
    "acls": "users",
    "clients": "clients",
    "labels": "clients",
    "client_metadata": "clients",
    "server_metadata": "metadata",
    "artifacts": "artifacts",
    "artifact_tags": "artifacts",
    "hunts": "hunts",
    "hunt_parameters": "hunts",
    "hunt_results": "hunts",
    "flows": "flows",
    "uploads": "flows",
    "notebooks": "notebooks",
    "client_monitoring": "monitoring",
    "server_monitoring": "monitoring",
    "secrets": "secrets",
    "tools": "tools",
    "served_files": "tools",
}
_OF_USERS = frozenset({"users", "passwords", "user_options"})
_ARCHIVED = frozenset({"flows", "uploads"})
_WITH_ARCHIVES = "hunt_results"
"""Placed with the rest, and more of them come with the archives."""


def _entitled_elsewhere(inventory: Inventory, choice: Choice) -> set[str]:
    """Users whose rights are all in orgs that were left out: they are left out with those."""
    here, there = (
        {
            same_user(name)
            for org, items in inventory.orgs.items()
            if choice.org(org) is chosen
            for name in items.get("acls", ())
        }
        for chosen in (True, False)
    )
    return there - here


def narrowed(manifest: Manifest, choice: Choice) -> tuple[Inventory, dict[str, int]]:
    """What the recovery is held to, and how many things of each item were left out by choice."""
    if choice.everything:
        return manifest.inventory, {}
    active = _active(manifest)
    elsewhere = _entitled_elsewhere(manifest.inventory, choice)
    orgs: dict[str, dict[str, Entries]] = {}
    left: dict[str, int] = {}
    for org, items in manifest.inventory.orgs.items():
        chosen: dict[str, Entries] = {}
        for item, entries in items.items():
            keep = _keeper(item, org, choice, active)
            chosen[item] = {
                key: value
                for key, value in entries.items()
                if keep(key) and not (item in _OF_USERS and same_user(key) in elsewhere)
            }
            if gone := len(entries) - len(chosen[item]):
                left[item] = left.get(item, 0) + gone
        if choice.org(org):
            orgs[org] = chosen
    return Inventory(orgs=orgs), left


def _active(manifest: Manifest) -> dict[tuple[str, str], datetime | None]:
    """(org, ``client/flow``) → when it was last active, by its archive, else by its record."""
    recorded: dict[tuple[str, str], datetime | None] = {
        (org, key): _time(record.active_at)
        for org, records in manifest.flow_records.items()
        for key, record in records.items()
    }
    return recorded | {
        (archive.org, f"{archive.client_id}/{archive.flow_id}"): archive.active_at
        for archive in manifest.archives
        if archive.kind == "flow"
    }


def _time(micros: int) -> datetime | None:
    """None for none, and for what is none: whose time nobody knows comes back."""
    with suppress(ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(micros / 1e6, UTC) if micros else None
    return None


def narrowed_to(
    manifest: Manifest, placed: Choice, imported: Sequence[Choice]
) -> tuple[Inventory, dict[str, int]]:
    """The same for a machine whose archives were imported by other choices than the rest.

    ``imported``: a choice each time; what any of them asked for is there. Empty: as ``placed``.
    """
    inventory, _ = narrowed(manifest, placed)
    orgs = {org: dict(items) for org, items in inventory.orgs.items()}
    each = [narrowed(manifest, choice)[0].orgs for choice in imported]
    for org, items in orgs.items():
        for item in (*_ARCHIVED, _WITH_ARCHIVES) if each else ():
            if item not in items:
                continue
            if item in _ARCHIVED:
                items[item] = {}
            for chosen in each:
                items[item] |= chosen.get(org, {}).get(item, {})
    left: dict[str, int] = {}
    for org, items in manifest.inventory.orgs.items():
        for item, entries in items.items():
            if gone := len(entries) - len(orgs.get(org, {}).get(item, {})):
                left[item] = left.get(item, 0) + gone
    return Inventory(orgs=orgs), left


def _keeper(
    item: str, org: str, choice: Choice, active: dict[tuple[str, str], datetime | None]
) -> Callable[[str], bool]:
    """Whether a key of ``item`` in ``org`` is wanted."""
    if item == "orgs":
        return choice.org

    def flow(key: str) -> bool:
        client, _, rest = key.partition("/")
        flow_id = rest.partition("/")[0]
        return choice.flow(flow_id, active.get((org, f"{client}/{flow_id}")))

    def hunt_result(key: str) -> bool:
        hunt, _, rest = key.partition("/")
        return choice.hunt(hunt) and flow(rest)

    by_name: dict[str, Callable[[str], bool]] = {
        "users": choice.user,
        "passwords": choice.user,
        "user_options": choice.user,
        "acls": choice.user,
        "artifacts": choice.artifact,
        "artifact_tags": choice.artifact,
        "hunts": choice.hunt,
        "hunt_parameters": choice.hunt,
        "hunt_results": hunt_result,
        "flows": flow,
        "uploads": flow,
    }
    decide = by_name.get(item)
    provider = _PROVIDER_OF.get(item)

    def keep(key: str) -> bool:
        if not choice.org(org):
            return False
        if decide is not None:
            return decide(key)
        return provider is None or choice.provider(provider)

    return keep
