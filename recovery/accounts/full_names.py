"""Names over 250 bytes: a server's files have ``#`` and their SHA-1 instead (seen on 0.77.2).

An operator has to know whose rights are reviewed. A user's own record holds the whole name; it is
foreign input, so only one that the SHA-1 is of counts.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from recovery.accounts.read_accounts import Account, account_path
from recovery.velociraptor.messages import protobuf_fields
from recovery.velociraptor.state_tar import state_files
from recovery.velociraptor.stored_names import shortened

_SHORTENED = "#"
_NAME = 1


def with_full_names(accounts: Sequence[Account], states: Iterable[Path]) -> list[Account]:
    """The same accounts, those with shortened names with the full ones, out of the state tars."""
    if not any(account.name.startswith(_SHORTENED) for account in accounts):
        return [*accounts]
    names = {short: name for state in states for short, name in _names(state)}
    return [
        replace(account, full_name=names.get(account.name, ""))
        if account.name.startswith(_SHORTENED)
        else account
        for account in accounts
    ]


def _names(state: Path) -> Iterator[tuple[str, str]]:
    for file in state_files(state):
        known = account_path(file.path)
        if known and known[0] == "users" and known[2].startswith(_SHORTENED):
            name = name_in(file.read())
            if shortened(name) == known[2]:
                yield known[2], name


def name_in(record: bytes) -> str:
    """Empty when it is no user's record."""
    try:
        return dict(protobuf_fields(record)).get(_NAME, b"").decode()
    except ValueError:
        return ""
