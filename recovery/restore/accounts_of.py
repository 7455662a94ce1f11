"""Who is in a recovery point: as the strategy that is asked for would bring them back."""

from pathlib import Path

from recovery.accounts.read_accounts import (
    Account,
    accounts_in_backup,
    accounts_in_state,
    as_one_user,
    users_without_rights,
)
from recovery.accounts.sign_ins import SignIns, sign_ins_in, with_sign_ins
from recovery.restore.backup_sources import newest_backups
from recovery.restore.context import Context
from recovery.vault.manifest import Manifest


def accounts_of(context: Context, manifest: Manifest) -> list[Account]:
    """The accounts that the strategy takes from a point: of its state, or else its backups."""
    if states := _states(context, manifest):
        found = [account for state in states for account in accounts_in_state(state)]
        return with_sign_ins(as_one_user(found), sign_ins_in(states))
    return as_one_user(
        account
        for org, (_, path) in newest_backups(context, manifest).items()
        for account in accounts_in_backup(path, org)
    )


def without_rights(context: Context, manifest: Manifest) -> list[str]:
    """Users that may do nothing anywhere: nobody's decision, so they come back if chosen."""
    states = _states(context, manifest)
    return [name for name in users_without_rights(states) if context.choice.user(name)]


def sign_ins_of(context: Context, manifest: Manifest) -> SignIns:
    """How the users sign in, of all with a record; of a backup nothing is known."""
    return sign_ins_in(_states(context, manifest))


def _states(context: Context, manifest: Manifest) -> list[Path]:
    """The state tars that a point's accounts are taken from."""
    if not takes_state(context, manifest):
        return []
    return [context.fetch(state.tar) for state in manifest.state]


def takes_state(context: Context, manifest: Manifest) -> bool:
    """Whether the strategy takes a point's accounts, and artifacts, from its state.

    An adopted point's state are the orgs' records alone: its parts say that it holds none.
    """
    whole = {"state", "datastore"} & set(context.request.strategy)
    held = manifest.state and "state" in manifest.parts
    return bool(held and (whole or not manifest.backups))
