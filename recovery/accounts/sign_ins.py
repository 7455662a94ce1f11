"""How the users of a point sign in, and what they are called in full, where the point has state.

Names over 250 bytes: a server's files have ``#`` and their SHA-1 instead (seen on 0.77.2). An
operator has to know whose rights are reviewed. A user's own record holds the whole name; it is
foreign input, so only one that the SHA-1 is of counts.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from recovery.accounts.read_accounts import Account, account_path
from recovery.accounts.sign_in import SignIn, as_one, sign_in_of
from recovery.velociraptor.api import ROOT
from recovery.velociraptor.state_tar import deciding_files
from recovery.velociraptor.stored_names import same_user, shortened

SignIns = Mapping[str, SignIn]
"""A user, by the name in small letters (:func:`same_user`) → how that user signs in."""


def sign_ins_in(states: Iterable[Path]) -> SignIns:
    """Of every user with a record in the state tars, whether or not with any rights."""
    found = defaultdict(list)
    for state in states:
        for file in deciding_files(state):
            known = account_path(file.path)
            if known and known[:2] == ("users", ROOT):  # a server looks nowhere else
                found[same_user(known[2])].append(sign_in_of(file.read()))
    return {user: as_one(records) for user, records in found.items()}


def with_sign_ins(accounts: Sequence[Account], sign_ins: SignIns) -> list[Account]:
    """The same accounts; one without a record has neither password nor identity. Pure."""
    return [_with(account, sign_ins.get(same_user(account.name), SignIn())) for account in accounts]


def _with(account: Account, sign_in: SignIn) -> Account:
    full = sign_in.name if shortened(sign_in.name) == account.name else ""
    return replace(account, full_name=full, sign_in=sign_in)
