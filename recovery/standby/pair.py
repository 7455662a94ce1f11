"""Two machines of one deployment: which they are, how each is reached, who serves.

The pair is written in the vault, so that whoever has the vault can promote, from any machine.
Who serves is the lease's word (:mod:`recovery.vault.lease`), never the pair's.
"""

import json
from typing import Literal

from pydantic import BaseModel, ConfigDict

from recovery.errors import BadInputError, VaultError
from recovery.vault.lease import Lease, current
from recovery.vault.shelf import NotOnShelfError
from recovery.vault.shelf_vault import ShelfVault
from recovery.vault.sign import NotTrustedError, load_signing_key, sign, verify

FOLDER = "standby/pairs"
KIND = "application/vnd.velociraptor-recovery.pair.v1"
_INIT = "`recovery standby init --active URI --spare URI` makes the pair"


def name_of(uri: str) -> str:
    """A machine's URI without the files by which it is opened."""
    return uri.partition("?")[0]


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Machine(_Frozen):
    """One of the two. ``uri``: how the operator reaches it (``ssh://…``, ``docker://…``).

    ``address``: where the other one, and the clients, reach it; ``port``: of its sshd.
    """

    uri: str
    address: str
    port: int = 22
    mark: str = ""
    """On the machine that was named as ``local://``, for it to know itself (:mod:`.reach`)."""

    @property
    def name(self) -> str:
        """As a person reads it: the URI without the files by which it is opened."""
        return name_of(self.uri)


class Pair(_Frozen):
    """Both machines, in the order in which they were named; and what they share."""

    schema_version: Literal[1] = 1
    deployment: str
    datastore: str
    machines: tuple[Machine, Machine]
    switch: str = ""
    """What decides where the clients go, as `recovery failover --switch` takes it."""
    guard_seconds: int = 0
    """After so long without a sign from here, the serving machine stops itself; 0: never."""

    def machine(self, uri: str) -> Machine:
        """The one reached by ``uri``; :class:`BadInputError` when it is neither."""
        for one in self.machines:
            if one.uri == uri:
                return one
        raise BadInputError(f"{uri} is not one of this pair", target=uri, hint=_INIT)

    def other(self, machine: Machine) -> Machine:
        """The one beside ``machine``."""
        first, second = self.machines
        return second if machine == first else first


def write_pair(vault: ShelfVault, pair: Pair) -> None:
    """Writes it, in place of an earlier one of the same deployment; signed with the keys."""
    raw = pair.model_dump_json().encode()
    if vault.keys is not None and vault.keys.signing:
        raw = sign(raw, KIND, load_signing_key(vault.keys.signing))
    vault.shelf.write(_path(pair.deployment), [raw])
    vault.shelf.settle()


def read_pair(vault: ShelfVault, deployment: str = "") -> Pair:
    """The vault's pair; ``deployment`` chooses where there are several.

    Raises :class:`BadInputError` when there is none, or more than one to choose from, and
    :class:`VaultError` when it can't be trusted.
    """
    names = [entry.name for entry in vault.shelf.entries(FOLDER)]
    chosen = [name for name in names if not deployment or name == _path(deployment)]
    if len(chosen) != 1:
        raise BadInputError(
            f"the vault has {len(chosen) or 'no'} pair{'s' * (len(chosen) > 1)}",
            step="find the pair",
            target=vault.uri,
            hint=_INIT,
        )
    try:
        with vault.shelf.read(chosen[0]) as stream:
            raw = stream.read()
        if vault.keys is not None and vault.keys.trusted_keys:
            raw, _ = verify(raw, [KIND], vault.keys.trusted_keys)
        return Pair.model_validate(json.loads(raw))
    except (NotOnShelfError, NotTrustedError, ValueError) as refused:
        raise VaultError(
            f"{chosen[0]} can't be trusted or read: {refused}",
            step="find the pair",
            target=vault.uri,
            hint=f"find out who wrote it; {_INIT} anew",
        ) from refused


def who_serves(vault: ShelfVault, pair: Pair) -> tuple[Lease, Machine]:
    """The lease in force and its holder; :class:`VaultError` when nobody has taken it yet."""
    lease = current(vault, pair.deployment)
    if lease is None:
        raise VaultError("nobody holds the lease", target=vault.uri, hint=_INIT)
    return lease, pair.machine(lease.holder)


def _path(deployment: str) -> str:
    return f"{FOLDER}/{deployment[:16]}.json"
