"""What a recovery is held to: what was captured, without what was left out or held back."""

from recovery.restore.choice import narrowed
from recovery.restore.context import Context
from recovery.restore.review_accounts import accounts_of, allowed_accounts, name_of
from recovery.vault.manifest import Manifest
from recovery.velociraptor.inventory import Entries, Inventory


def promised(context: Context) -> tuple[Manifest, list[str]]:
    """The recovery point with the inventory for the comparison, and the accounts held back."""
    inventory, _ = narrowed(context.manifest, context.choice)
    return _without(context, inventory, allowed_accounts(context))


def promised_to(context: Context, policy: str) -> tuple[Manifest, list[str]]:
    """The same for a server that serves: with ``policy`` of accounts, or that of its recovery.

    Without a policy the machine's journal says who was let in; a machine that was recovered
    from no point, or from another one, is held to everybody that was captured.
    """
    allowed = allowed_accounts(context) if policy else context.journal.accounts
    return _without(context, context.manifest.inventory, allowed)


def _without(
    context: Context, inventory: Inventory, allowed: set[tuple[str, str]] | None
) -> tuple[Manifest, list[str]]:
    manifest = context.manifest
    if allowed is None:
        return manifest.model_copy(update={"inventory": inventory}), []
    held = [
        f"{name_of(account)}: {account.words}"
        for account in accounts_of(context, manifest)
        if account.key not in allowed
    ]
    kept = without_held(inventory, allowed)
    return manifest.model_copy(update={"inventory": kept}), sorted(held)


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
        if item in ("users", "passwords", "user_options"):
            return {name: value for name, value in entries.items() if name in names}
        return entries

    return Inventory(
        orgs={
            org: {item: kept(org, item, entries) for item, entries in items.items()}
            for org, items in inventory.orgs.items()
        }
    )
