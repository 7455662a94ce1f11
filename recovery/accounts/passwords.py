"""Passwords that are not as they were: whoever set one can log in with all rights of its user."""

from collections.abc import Iterable
from pathlib import Path

from recovery.accounts.full_names import name_in
from recovery.accounts.read_accounts import account_path
from recovery.velociraptor.inventory import digest
from recovery.velociraptor.messages import protobuf_fields
from recovery.velociraptor.state_tar import state_files
from recovery.velociraptor.stored_names import same_user

_HASH, _SALT = 2, 3


def changed_passwords(now: Iterable[Path], before: Iterable[Path]) -> list[str]:
    """Users of both (state tars) whose hash or salt is another one, by their names."""
    old = {same_user(name): password for name, password in _passwords(before).items()}
    return sorted(
        name
        for name, password in _passwords(now).items()
        if old.get(same_user(name), password) != password
    )


def _passwords(states: Iterable[Path]) -> dict[str, str]:
    found = {}
    for state in states:
        for file in state_files(state):
            known = account_path(file.path)
            if known and known[0] == "users" and (name := name_in(record := file.read())):
                fields = dict(protobuf_fields(record))
                held = [fields.get(number, b"").hex() for number in (_HASH, _SALT)]
                found[name] = digest(held)
    return found
