"""Step: which users and rights come back; what is held back is named."""

import json
from collections.abc import Iterable

from recovery.accounts.approve import ALL, KNOWN, UNCHANGED, approve
from recovery.accounts.read_accounts import Account
from recovery.accounts.review import Difference, changed_sign_ins, review
from recovery.accounts.sign_in import PASSWORD_CHANGED, PASSWORD_SET
from recovery.counts import things
from recovery.restore.accounts_of import accounts_of, sign_ins_of, takes_state, without_rights
from recovery.restore.context import Context
from recovery.restore.let_in_by_config import let_in_by_config
from recovery.restore.locked_users import WORDS as _LOCKED
from recovery.restore.locked_users import locked_users
from recovery.restore.point_before import earlier_point
from recovery.restore.step import Report
from recovery.vault.manifest import Manifest
from recovery.velociraptor.api import ROOT
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
    powerless = changed_without_rights(context, context.manifest)
    if has_earlier:
        _say_changes(context, [*everybody, *powerless])
    passwords = _new_passwords([*differences, *powerless])
    new = sum(item.change == "new" for item in differences)
    changed = sum(item.change == "changed" for item in differences)
    removed = sum(item.change == "removed" for item in everybody)
    context.facts["accounts_held"] = json.dumps([name_of(item.account) for item in held])
    detail = f"{things(len(allowed), 'account')} allowed ({context.request.accounts}), "
    detail += f"{len(held)} held back"
    if has_earlier:
        detail += f"; since the point before: {new} new, {changed} changed, {removed} removed"
        if passwords:
            detail += f", {things(passwords, 'password')} changed"
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
    powerless = without_rights(context, context.manifest)
    return (let_in & set(chosen)) | {(ROOT, name) for name in powerless}


def _locked(context: Context) -> set[str]:
    """Who would come back without the lock that they had."""
    if takes_state(context, context.manifest):
        return set()
    return locked_users(context, context.manifest, earlier_point(context, context.manifest))


def _lock(item: Difference, locked: set[str]) -> list[str]:
    return [_LOCKED] if same_user(item.account.name) in locked else []


def _is_chosen(context: Context, item: Difference) -> bool:
    account = item.account
    return context.wants_org(account.org) and context.choice.user(account.name)


def _say_changes(context: Context, differences: list[Difference]) -> None:
    """The diff against the point before, gained administrator's rights first."""
    for item in differences:
        if item.change == "same":
            continue
        mark = "ADMIN gained, " if item.gains_admin else ""
        words, was = item.account.words, item.before.words if item.before else ""
        before = f", before: {was}" if was not in ("", words) else ""
        sign_in = f" ({', '.join(item.sign_in)})" if item.sign_in else ""
        whose = name_of(item.account)
        context.say(f"account {mark}{item.change}: {whose}: {words}{before}{sign_in}")


def differences_of(context: Context, manifest: Manifest) -> list[Difference]:
    """The accounts of ``manifest`` against those of the point before it."""
    before = earlier_point(context, manifest)
    if before is None:
        return review(accounts_of(context, manifest), [])
    old = sign_ins_of(context, before)
    return review(accounts_of(context, manifest), accounts_of(context, before), old)


def changed_without_rights(context: Context, manifest: Manifest) -> list[Difference]:
    """Users who may do nothing anywhere, and sign in another way than in the point before."""
    before = earlier_point(context, manifest)
    if before is None:
        return []
    users = without_rights(context, manifest)
    return changed_sign_ins(sign_ins_of(context, manifest), sign_ins_of(context, before), users)


def _new_passwords(differences: Iterable[Difference]) -> int:
    """How many users have another password; one may have rights in many orgs."""
    words = {PASSWORD_CHANGED, PASSWORD_SET}
    return len({same_user(one.account.name) for one in differences if words & {*one.sign_in}})


def name_of(account: Account) -> str:
    """An account as an operator reads it."""
    return account.shown if account.org == ROOT else f"{account.shown} in {account.org}"
