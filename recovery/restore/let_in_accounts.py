"""Step: accounts that an earlier run held back, and that are approved now, into the same server.

Their files come from the state, password hashes included, and a server believes them at a
start: it keeps users and rights in memory (read in its source). A backup has no hashes; its
accounts are made by the API. Whoever was let in once is never let in again: an account that
was removed since stays removed.
"""

import tarfile
import zipfile

from recovery.restore.backup_sources import newest_backups
from recovery.restore.context import Context
from recovery.restore.place_as_server import place_as_server
from recovery.restore.state_files import Keep, copy_state
from recovery.restore.step import Report
from recovery.restore.to_disk import to_disk
from recovery.restore.zip_users import create_users
from recovery.velociraptor.api import ROOT
from recovery.velociraptor.config import SERVICE

_ORGS = "SELECT OrgId FROM orgs()"
Key = tuple[str, str]
"""(org, user)."""


def let_in_accounts(context: Context) -> Report:
    """Lets in whoever is allowed and wasn't when the accounts were placed on this machine.

    What is on the server already under the same name is left as it is. Accounts that were let
    in and aren't allowed now stay, and are findings: a running server's users are for its
    administrator to remove.
    """
    placed = context.journal.accounts
    if placed is None or not (context.wants("state") or context.wants("backup")):
        return Report("no accounts were placed on this machine", skipped=True)
    allowed = context.allowed or set()
    findings = [
        f"account let in earlier, not allowed now: {name_of(key)}: it stays until you remove it"
        for key in sorted(placed - allowed)
        if context.choice.user(key[1]) and context.wants_org(key[0])
    ]
    missing = allowed - placed
    have = {str(row["OrgId"]) for row in context.api().query(_ORGS)} if missing else set()
    fresh = {key for key in missing if key[0] in have}
    if not fresh:
        return Report("nobody more than before", findings, skipped=not findings)
    if context.wants("state"):
        _place(context, fresh)
        context.target.run(["systemctl", "restart", SERVICE], timeout=120)
        context.api().wait_ready(context.request.ready_timeout)
        passwords = "with their passwords"
    else:
        _create(context, fresh)
        passwords = "without passwords"
    context.journal.note_accounts(fresh)
    names = ", ".join(name_of(key) for key in sorted(fresh))
    return Report(f"{len(fresh)} let in, {passwords}: {names}", findings)


def _place(context: Context, fresh: set[Key]) -> None:
    """Their files, written by the server's own user, nothing overwritten."""
    into = context.folder / "accounts.tar"
    with tarfile.open(into, "w", format=tarfile.PAX_FORMAT) as out:
        for state in context.manifest.state:
            source = context.fetch(state.tar)
            copy_state(source, out, Keep.ACCOUNTS, fresh, context.choice.file)
    with into.open("rb") as stream:
        place_as_server(context, stream)
    to_disk(context)  # before it is noted that they were let in


def _create(context: Context, fresh: set[Key]) -> None:
    for org, (_, path) in newest_backups(context, context.manifest).items():
        with zipfile.ZipFile(path) as archive:
            create_users(context.api(), archive, org, fresh)


def name_of(key: Key) -> str:
    """An account as an operator reads it."""
    org, name = key
    return name if org == ROOT else f"{name} in {org}"
