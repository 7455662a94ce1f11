"""What changed in the accounts since the point before: new, changed, removed; admins first."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from recovery.accounts.read_accounts import Account
from recovery.accounts.sign_in import SignIn, changes
from recovery.accounts.sign_ins import SignIns, with_sign_ins
from recovery.velociraptor.api import ROOT
from recovery.velociraptor.stored_names import same_user

Change = Literal["new", "changed", "removed", "same"]
_ORDER: dict[Change, int] = {"new": 0, "changed": 1, "removed": 2, "same": 3}


@dataclass(frozen=True)
class Difference:
    """One account against the earlier point; ``before`` or ``now`` is None when not there.

    ``signed_in``: how its user signed in before, with rights or without any.
    """

    change: Change
    now: Account | None
    before: Account | None
    signed_in: SignIn | None = None

    @property
    def account(self) -> Account:
        """The one that there is, the present one rather."""
        account = self.now or self.before
        if account is None:
            raise ValueError("neither before nor now")
        return account

    @property
    def sign_in(self) -> list[str]:
        """What changed in how its user signs in, in words."""
        return changes(self.signed_in, self.now.sign_in) if self.now else []

    @property
    def gains_admin(self) -> bool:
        """Whether it has administrator's rights now and had none before, or was locked."""
        had = self.before is not None and self.before.is_admin and not self._is_unlocked
        return self.now is not None and self.now.is_admin and not had

    @property
    def _is_unlocked(self) -> bool:
        """A user who could not sign in could use no right."""
        was = self.before is not None and self.before.is_locked
        return was and self.now is not None and not self.now.is_locked

    @property
    def gains_rights(self) -> bool:
        """Whether it may now do anything that it might not before; fewer rights are no danger."""
        if self.now is None:
            return False
        if self._is_unlocked and self.now.policy:
            return True
        before = self.before.policy if self.before else {}
        return any(_more(value, before.get(key)) for key, value in self.now.policy.items())


def _more(now: object, before: object) -> bool:
    """Whether a part of the rights grew: another role in a list, or any other value."""
    if isinstance(now, list) and isinstance(before, list):
        return any(part not in before for part in now)
    return now != before


def review(
    now: Iterable[Account], before: Iterable[Account], sign_ins: SignIns | None = None
) -> list[Difference]:
    """Compares by org and name; admin rights gained first, then by kind of change. Pure.

    ``sign_ins``: of the earlier point, of users without rights too.
    """
    present = {account.key: account for account in now}
    earlier = {account.key: account for account in before}
    found = [
        _difference(present.get(key), earlier.get(key), (sign_ins or {}).get(same_user(key[1])))
        for key in {**present, **earlier}
    ]
    return sorted(
        found,
        key=lambda item: (
            not item.gains_admin,
            _ORDER[item.change],
            item.account.org != "root",
            item.account.key,
        ),
    )


def changed_sign_ins(now: SignIns, before: SignIns, users: Iterable[str]) -> list[Difference]:
    """Those of ``users``, who have no rights now, whose password, identity or lock changed. Pure.

    Nobody's decision, so no account to approve; told all the same: rights can be given any time.
    """
    both = {
        same_user(user): user for user in users if same_user(user) in now.keys() & before.keys()
    }
    accounts = [Account(ROOT, user, {}) for user in both.values()]
    pairs = zip(with_sign_ins(accounts, now), with_sign_ins(accounts, before), strict=True)
    found = [_difference(account, was, None) for account, was in pairs]
    return [item for item in found if item.change == "changed"]


def _difference(now: Account | None, before: Account | None, known: SignIn | None) -> Difference:
    signed_in = before.sign_in if before else known
    if now is None:
        return Difference("removed", now, before, signed_in)
    if before is None:
        return Difference("new", now, before, signed_in)
    same = now.policy == before.policy and not changes(signed_in, now.sign_in)
    return Difference("same" if same else "changed", now, before, signed_in)
