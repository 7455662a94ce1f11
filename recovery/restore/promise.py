"""What a recovery is held to: what was captured, without what was left out or held back."""

from recovery.restore.choice import narrowed
from recovery.restore.context import Context
from recovery.restore.review_accounts import allowed_accounts
from recovery.velociraptor.inventory import Entries, Inventory


def promised(context: Context) -> Inventory:
    """The inventory for the comparison; accounts held back are named by their own step."""
    inventory, _ = narrowed(context.manifest, context.choice)
    allowed = allowed_accounts(context)
    return inventory if allowed is None else without_held(inventory, allowed)


def without_held(inventory: Inventory, allowed: set[tuple[str, str]]) -> Inventory:
    """The inventory without accounts that no org lets in. Pure.

    Users without any rights are nobody's decision: they stay.
    """
    with_rights = {
        (org, name) for org, items in inventory.orgs.items() for name in items.get("acls", {})
    }
    names = {name for _, name in allowed} | (
        {name for items in inventory.orgs.values() for name in items.get("users", {})}
        - {name for _, name in with_rights}
    )

    def kept(org: str, item: str, entries: Entries) -> Entries:
        if item == "acls":
            return {name: value for name, value in entries.items() if (org, name) in allowed}
        if item in ("users", "passwords"):
            return {name: value for name, value in entries.items() if name in names}
        return entries

    return Inventory(
        orgs={
            org: {item: kept(org, item, entries) for item, entries in items.items()}
            for org, items in inventory.orgs.items()
        }
    )
