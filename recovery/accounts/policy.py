"""Rules for a recovery that nobody watches: which accounts come back without a person's word.

A small YAML file, without secrets::

    names: known            # known (to the point before), any, or a list of names
    administrators: known   # who may come back with administrator's rights: known, any, or a list
    changed_rights: false   # whether a known name may come back with more rights than before
    deny: [mallory]         # never, whatever the rules above say

What the rules don't let in is held back and listed. Names may have wildcards.
"""

import fnmatch
from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict

from recovery.accounts.read_accounts import Account
from recovery.accounts.review import Difference
from recovery.velociraptor.stored_names import same_user

Names = Literal["known", "any"] | list[str]


class Policy(BaseModel):
    """The strictest is the default: nobody new, no new administrator, no right more."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    names: Names = "known"
    administrators: Names = "known"
    changed_rights: bool = False
    deny: list[str] = []
    deployment: str = ""
    """When given: the only deployment for which these rules are meant."""


def let_in(policy: Policy, differences: Sequence[Difference]) -> list[Account]:
    """The accounts that the rules let back in. Pure."""
    return [item.now for item in differences if item.now and not refusal(policy, item)]


def refusal(policy: Policy, item: Difference) -> str:
    """Why an account is held back; empty when it comes back."""
    names = item.account.names
    if _one_of(names, policy.deny):
        return "denied by name"
    if not _allows(policy.names, names, known=item.before is not None):
        return "a new name" if policy.names == "known" else "not a name on the list"
    is_admin = item.now is not None and item.now.is_admin
    if is_admin and not _allows(policy.administrators, names, known=not item.gains_admin):
        return "a new administrator" if policy.administrators == "known" else "no administrator"
    if item.change == "changed" and item.gains_rights and not policy.changed_rights:
        return "more rights than before"
    return ""


def _allows(allowed: Names, names: set[str], *, known: bool) -> bool:
    if isinstance(allowed, list):
        return _one_of(names, allowed)
    return allowed == "any" or known


def _one_of(names: set[str], patterns: Sequence[str]) -> bool:
    """Capital and small letters are the same: they are one user to the server."""
    return any(
        fnmatch.fnmatchcase(same_user(name), same_user(pattern))
        for name in names
        for pattern in patterns
    )
