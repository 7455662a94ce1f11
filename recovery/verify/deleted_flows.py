"""Flows that were deleted before the capture, and that their hunts still list.

Deleting a flow leaves its line in its hunt's list (seen on a real server). A state brings that line
back, archives can't: neither way anything is lost.
"""

from recovery.vault.manifest import Manifest
from recovery.velociraptor.inventory import Inventory

_MEMBERS = "hunt_results"


def without_deleted_flows(manifest: Manifest, restored: Inventory) -> tuple[Inventory, Inventory]:
    """What ``manifest`` counted and what is ``restored``, both without such lines. Pure.

    A point that doesn't say which flows its server had keeps all of them.
    """
    deleted = {org: _deleted(manifest, org) for org in manifest.flow_records}
    captured = manifest.inventory
    return _without(captured, deleted), _without(restored, deleted)


def _deleted(manifest: Manifest, org: str) -> set[str]:
    items = manifest.inventory.orgs.get(org, {})
    had = {*manifest.flow_records[org], *items.get("flows", {})}
    had |= {
        f"{archive.client_id}/{archive.flow_id}"
        for archive in manifest.archives
        if archive.org == org and archive.kind == "flow"
    }
    return {key for key in items.get(_MEMBERS, {}) if key.partition("/")[2] not in had}


def _without(inventory: Inventory, deleted: dict[str, set[str]]) -> Inventory:
    orgs = {
        org: items
        | {
            item: {key: value for key, value in entries.items() if key not in deleted[org]}
            for item, entries in items.items()
            if item == _MEMBERS and deleted.get(org)
        }
        for org, items in inventory.orgs.items()
    }
    return Inventory(orgs=orgs)
