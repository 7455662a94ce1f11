"""Step: which users and rights come back; what is held back is named."""

import json

from recovery.accounts.approve import ALL, KNOWN, UNCHANGED, approve
from recovery.accounts.full_names import with_full_names
from recovery.accounts.passwords import changed_passwords
from recovery.accounts.read_accounts import (
    Account,
    accounts_in_backup,
    accounts_in_state,
    as_one_user,
    users_without_rights,
)
from recovery.accounts.review import Difference, review
from recovery.accounts.with_sign_ins import with_sign_ins
from recovery.counts import things
from recovery.errors import BadInputError, UntrustedError, VaultError
from recovery.restore.backup_sources import newest_backups
from recovery.restore.check_backup import check_rows
from recovery.restore.context import Context
from recovery.restore.let_in_by_config import let_in_by_config
from recovery.restore.locked_users import WORDS as _LOCKED
from recovery.restore.locked_users import locked_users
from recovery.restore.step import Report
from recovery.vault.by_capture import by_capture
from recovery.vault.manifest import Manifest
from recovery.velociraptor.api import ROOT
from recovery.velociraptor.config import ServerConfig
from recovery.velociraptor.stored_names import same_user

_NAMED = 10


def review_accounts(context: Context) -> Report:
    """Compares the accounts with the point before, and keeps what the request's policy allows.

    The allowed ones are noted in ``context.allowed``; with the policy ``all`` everything comes
    back as captured, and what is new since the point before is named all the same. Whoever is
    held back now is let in by another run with an approval
    (:mod:`recovery.restore.let_in_accounts`).
    """
    if not context.has_point or not (context.wants("state") or context.wants("backup")):
        return Report("no accounts in this strategy", skipped=True)
    everybody = differences_of(context, context.manifest)
    differences = [item for item in everybody if _is_chosen(context, item)]
    context.allowed = allowed = _approved(context, everybody)
    held = [item for item in differences if item.now and item.now.key not in context.allowed]
    gained = [item.account for item in differences if item.gains_admin]
    has_earlier = earlier_point(context, context.manifest) is not None
    if has_earlier:
        _say_changes(context, everybody)
    passwords = new_passwords(context)
    for name in passwords:
        context.say(f"account: the password of {name} is another one than before")
    new = sum(item.change == "new" for item in differences)
    changed = sum(item.change == "changed" for item in differences)
    removed = sum(item.change == "removed" for item in everybody)
    context.facts["accounts_held"] = json.dumps([name_of(item.account) for item in held])
    detail = f"{things(len(allowed), 'account')} allowed ({context.request.accounts}), "
    detail += f"{len(held)} held back"
    if has_earlier:
        detail += f"; since the point before: {new} new, {changed} changed, {removed} removed"
        if passwords:
            detail += f", {things(len(passwords), 'password')} changed"
        if gained:
            detail += f", new administrators: {', '.join(map(name_of, gained[:_NAMED]))}"
    elif context.request.accounts == KNOWN:
        detail += "; there is no point before, so nobody is known"
    elif context.request.accounts != ALL:
        detail += "; there is no point before to compare with"
    findings = _findings(context, differences, held)
    if held:
        context.say(
            "to let accounts in that are held back: `recovery accounts review`, `recovery accounts "
            "approve --out FILE`, then this again with `--accounts FILE` (recovery:accounts)"
        )
    return Report(detail, findings)


def _findings(context: Context, everybody: list[Difference], held: list[Difference]) -> list[str]:
    """Who is held back; whose lock is lost; and what lets people in all the same."""
    locked = _locked(context)
    findings = [
        f"account held back: {name_of(item.account)} "
        f"({', '.join([item.change, *item.sign_in, *_lock(item, locked)])}; {item.account.words})"
        for item in held
    ]
    findings += [
        f"account let in by {context.request.accounts}: {name_of(item.account)}: it was {_LOCKED}"
        for item in everybody
        if item.now and item not in held and _lock(item, locked)
    ]
    for door in let_in_by_config(context.config):
        context.say(door)
        findings += [f"{door}: those held back, too"] if held else []
    return findings


def allowed_accounts(context: Context) -> set[tuple[str, str]] | None:
    """(org, user) that may come back; None where the strategy brings no accounts."""
    if context.allowed is None and (context.wants("state") or context.wants("backup")):
        context.allowed = _approved(context, differences_of(context, context.manifest))
    return context.allowed


def _approved(context: Context, everybody: list[Difference]) -> set[tuple[str, str]]:
    """(org, user) that the policy lets in, of those that were chosen; users without rights too."""
    deployment = context.manifest.server.deployment
    policy = context.request.accounts
    let_in = {account.key for account in approve(policy, everybody, deployment)}
    if policy in (UNCHANGED, KNOWN, ALL):  # a file is somebody's decision
        locked = _locked(context)
        let_in -= {item.account.key for item in everybody if _lock(item, locked)}
    chosen = [item.account.key for item in everybody if _is_chosen(context, item)]
    return (let_in & set(chosen)) | {(ROOT, name) for name in _without_rights(context)}


def _locked(context: Context) -> set[str]:
    """Who would come back without the lock that they had."""
    if takes_state(context, context.manifest):
        return set()
    return locked_users(context, context.manifest, earlier_point(context, context.manifest))


def _lock(item: Difference, locked: set[str]) -> list[str]:
    return [_LOCKED] if same_user(item.account.name) in locked else []


def _without_rights(context: Context) -> list[str]:
    """Users that may do nothing anywhere: nobody's decision, so they come back if chosen."""
    if not takes_state(context, context.manifest):
        return []
    states = [context.fetch(state.tar) for state in context.manifest.state]
    return [name for name in users_without_rights(states) if context.choice.user(name)]


def _is_chosen(context: Context, item: Difference) -> bool:
    account = item.account
    return context.wants_org(account.org) and context.choice.user(account.name)


def _say_changes(context: Context, differences: list[Difference]) -> None:
    """The diff against the point before, gained administrator's rights first."""
    for item in differences:
        if item.change == "same":
            continue
        mark = "ADMIN gained, " if item.gains_admin else ""
        before = f", before: {item.before.words}" if item.before and item.now else ""
        words = item.account.words
        sign_in = f" ({', '.join(item.sign_in)})" if item.sign_in else ""
        whose = name_of(item.account)
        context.say(f"account {mark}{item.change}: {whose}: {words}{before}{sign_in}")


def differences_of(context: Context, manifest: Manifest) -> list[Difference]:
    """The accounts of ``manifest`` against those of the point before it."""
    before = earlier_point(context, manifest)
    return review(accounts_of(context, manifest), accounts_of(context, before) if before else [])


def new_passwords(context: Context) -> list[str]:
    """Users whose password is not that of the point before; none where no state is taken."""
    before = earlier_point(context, context.manifest)
    if before is None or not all(takes_state(context, one) for one in (context.manifest, before)):
        return []
    now, old = (
        [context.fetch(state.tar) for state in one.state] for one in (context.manifest, before)
    )
    return [name for name in changed_passwords(now, old) if context.choice.user(name)]


def earlier_point(context: Context, manifest: Manifest) -> Manifest | None:
    """The point of the same deployment that this one is compared with: the one before it.

    Raises :class:`UntrustedError` where there are some, and none of them can be opened: nobody
    could be told from a newcomer. With the policy ``all`` nobody has to be.
    """
    if manifest.point not in context.earlier:
        context.earlier[manifest.point] = _before(context, manifest)
    return context.earlier[manifest.point]


def _before(context: Context, manifest: Manifest) -> Manifest | None:
    """The newest that was captured before it; or else that was made before it, by its name.

    When it was captured, a point says itself: one that says before all others must not pass for
    the first one there is, from which everybody comes back. One without accounts counts only where
    there is no other.
    """
    made, nobody, damaged = None, None, 0
    for point in by_capture(context.vault.newest_first()):
        if point.server.deployment != manifest.server.deployment:
            continue
        earlier = point.captured_at < manifest.captured_at
        if not earlier and (made or point.point >= manifest.point):
            continue
        try:
            knows = _knows_somebody(context, point)
        except (VaultError, BadInputError) as refused:
            context.say(f"not compared with {point.point}: {refused.message}")
            damaged += 1
            continue
        if not knows:
            nobody = nobody or point
        elif earlier:
            return point
        else:
            made = point
    if damaged and not made and context.request.accounts != ALL:
        raise UntrustedError(
            f"of {things(damaged, 'point')} before {manifest.point} none can be opened: who is new "
            "can't be told",
            target=context.vault.uri,
            hint="`recovery points verify` tells what each lacks; `--accounts all` "
            "(recovery:accounts) lets everybody back in as captured; nothing was changed",
        )
    return made or nobody


def _knows_somebody(context: Context, point: Manifest) -> bool:
    """Whether it has accounts to compare with: by one of a package alone everybody came back.

    Raises :class:`VaultError` or :class:`BadInputError` where it can't be opened, or understood.
    """
    ServerConfig.parse(context.fetch(point.config).read_bytes())
    if not (context.wants("state") or context.wants("backup")):
        return True
    if not takes_state(context, point):
        for backup, path in newest_backups(context, point).values():
            check_rows(path, backup.file.name)
    return bool(accounts_of(context, point))


def accounts_of(context: Context, manifest: Manifest) -> list[Account]:
    """The accounts that the strategy takes from a point: of its state, or else its backups."""
    if takes_state(context, manifest):
        states = [context.fetch(state.tar) for state in manifest.state]
        found = [account for state in states for account in accounts_in_state(state)]
        return with_sign_ins(with_full_names(as_one_user(found), states), states)
    return as_one_user(
        account
        for org, (_, path) in newest_backups(context, manifest).items()
        for account in accounts_in_backup(path, org)
    )


def takes_state(context: Context, manifest: Manifest) -> bool:
    """Whether the strategy takes a point's accounts, and artifacts, from its state.

    An adopted point's state are the orgs' records alone: its parts say that it holds none.
    """
    whole = {"state", "datastore"} & set(context.request.strategy)
    held = manifest.state and "state" in manifest.parts
    return bool(held and (whole or not manifest.backups))


def name_of(account: Account) -> str:
    """An account as an operator reads it."""
    return account.shown if account.org == ROOT else f"{account.shown} in {account.org}"
