"""What changed in the accounts since the point before: new, changed, removed; admins first."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from recovery.accounts.read_accounts import Account
from recovery.accounts.sign_in import changes

Change = Literal["new", "changed", "removed", "same"]
_ORDER: dict[Change, int] = {"new": 0, "changed": 1, "removed": 2, "same": 3}


@dataclass(frozen=True)
class Difference:
    """One account against the earlier point; ``before`` or ``now`` is None when not there."""

    change: Change
    now: Account | None
    before: Account | None

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
        return changes(self.before.sign_in, self.now.sign_in) if self.before and self.now else []

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


def review(now: Iterable[Account], before: Iterable[Account]) -> list[Difference]:
    """Compares by org and name; admin rights gained first, then by kind of change. Pure."""
    present = {account.key: account for account in now}
    earlier = {account.key: account for account in before}
    found = [
        Difference(_change(present.get(key), earlier.get(key)), present.get(key), earlier.get(key))
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


def _change(now: Account | None, before: Account | None) -> Change:
    if now is None:
        return "removed"
    if before is None:
        return "new"
    same = now.policy == before.policy and not changes(before.sign_in, now.sign_in)
    return "same" if same else "changed"
