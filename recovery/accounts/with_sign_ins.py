"""The accounts of a point with how their users sign in, where the point has state."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from recovery.accounts.read_accounts import Account, account_path
from recovery.accounts.sign_in import SignIn, sign_in_of
from recovery.velociraptor.api import ROOT
from recovery.velociraptor.state_tar import state_files
from recovery.velociraptor.stored_names import same_user


def with_sign_ins(accounts: Sequence[Account], states: Iterable[Path]) -> list[Account]:
    """The same accounts; one without a record has neither password nor identity."""
    found: dict[str, SignIn] = {}
    for state in states:
        for file in state_files(state):
            known = account_path(file.path)
            if known and known[:2] == ("users", ROOT):  # a server looks nowhere else
                found[same_user(known[2])] = sign_in_of(file.read())
    return [replace(one, sign_in=found.get(same_user(one.name), SignIn())) for one in accounts]
