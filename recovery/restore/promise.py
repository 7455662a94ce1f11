"""What a recovery is held to: what was captured, without what was left out or held back."""

from typing import NamedTuple

from recovery.restore.accounts_of import accounts_of
from recovery.restore.choice import Choice
from recovery.restore.context import Context
from recovery.restore.import_archives import STEP as ARCHIVES_STEP
from recovery.restore.narrow import narrowed, narrowed_to
from recovery.restore.place_datastore import STEP as DATASTORE_STEP
from recovery.restore.place_state import STEP as STATE_STEP
from recovery.restore.restore_backup import STEP as BACKUP_STEP
from recovery.restore.review_accounts import allowed_accounts, name_of
from recovery.vault.manifest import Manifest
from recovery.velociraptor.inventory import Entries, Inventory
from recovery.velociraptor.stored_names import same_user

PLACED = (STATE_STEP, DATASTORE_STEP, BACKUP_STEP)
"""The steps that make a server one of a recovery point."""


class Promise(NamedTuple):
    """The recovery point with the inventory to compare with; accounts held back; and how many
    things of each item nobody asked for.
    """

    manifest: Manifest
    held: list[str]
    not_chosen: dict[str, int]


def promised(context: Context) -> Promise:
    """What this recovery is held to."""
    return _without(context, *narrowed(context.manifest, context.choice), allowed_accounts(context))


def promised_to(context: Context, policy: str, *, everything: bool = False) -> Promise:
    """The same for a server that serves: with ``policy`` of accounts, or that of its recovery.

    Without a policy the machine's journal says who was let in; and without ``everything`` what
    its recovery was asked to bring back. A machine that was recovered from no point, or from
    another one, is held to all that was captured.
    """
    allowed = allowed_accounts(context) if policy else context.journal.accounts
    if everything:
        return _without(context, context.manifest.inventory, {}, allowed)
    wanted = context.journal.wanted(PLACED)
    placed = Choice.model_validate(wanted[-1] if wanted else {})
    if not policy:
        placed = placed.model_copy(update={"users": []})  # more of them may have been let in since
    imported = [Choice.model_validate(one) for one in context.journal.wanted([ARCHIVES_STEP])]
    return _without(context, *narrowed_to(context.manifest, placed, imported), allowed)


def _without(
    context: Context,
    inventory: Inventory,
    left: dict[str, int],
    allowed: set[tuple[str, str]] | None,
) -> Promise:
    manifest = context.manifest
    if allowed is None:
        return Promise(manifest.model_copy(update={"inventory": inventory}), [], left)
    held = [
        f"{name_of(account)}: {account.words}"
        for account in accounts_of(context, manifest)
        if account.key not in allowed
    ]
    kept = without_held(inventory, allowed)
    return Promise(manifest.model_copy(update={"inventory": kept}), sorted(held), left)


def without_held(inventory: Inventory, allowed: set[tuple[str, str]]) -> Inventory:
    """The inventory without accounts that no org lets in. Pure.

    Users without any rights are nobody's decision: they stay.
    """
    with_rights = _users(inventory, "acls")
    rights = {(org, same_user(name)) for org, name in allowed}
    names = {name for _, name in rights} | (_users(inventory, "users") - with_rights)

    def kept(org: str, item: str, entries: Entries) -> Entries:
        if item == "acls":
            return {
                name: value for name, value in entries.items() if (org, same_user(name)) in rights
            }
        if item in ("users", "passwords", "user_options"):
            return {name: value for name, value in entries.items() if same_user(name) in names}
        return entries

    return Inventory(
        orgs={
            org: {item: kept(org, item, entries) for item, entries in items.items()}
            for org, items in inventory.orgs.items()
        }
    )


def _users(inventory: Inventory, item: str) -> set[str]:
    """Everybody that an item names in any org, as the server tells users apart."""
    return {same_user(name) for items in inventory.orgs.values() for name in items.get(item, {})}
