"""Who may serve: a row of records in the vault, each written only if nobody wrote it before.

``standby/lease/00000001.json`` and on: the newest names the holder, the older ones tell who
held it when. To take the lease is to create the next record, and of two that try only one
succeeds, whatever lies between them: the storage itself decides (O_EXCL's rule in a folder,
``If-None-Match: *`` in S3). With the vault's keys every record is signed.
"""

import json
import secrets
from datetime import UTC, datetime
from pathlib import PurePosixPath

from pydantic import BaseModel, ConfigDict

from recovery.errors import VaultError
from recovery.vault.keys import VaultKeys
from recovery.vault.shelf import NotOnShelfError
from recovery.vault.shelf_vault import ShelfVault
from recovery.vault.sign import NotTrustedError, load_signing_key, sign, verify

FOLDER = "standby/lease"
KIND = "application/vnd.velociraptor-recovery.lease.v1"
_STEP = "take the lease"


class Lease(BaseModel):
    """One term of service. ``holder`` is a machine's URI; ``epoch`` counts from 1."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    epoch: int
    deployment: str
    holder: str
    taken_at: datetime
    reason: str = ""
    nonce: str = ""
    """Random: whoever reads back another one than it wrote has lost the race."""


class LeaseTakenError(VaultError):
    """Another one took the lease in the same moment; nothing was changed by this one."""


def current(vault: ShelfVault, deployment: str) -> Lease | None:
    """The lease in force; None before the first. Raises :class:`VaultError` if it is unreadable.

    An unreadable newest record is never passed over in favour of an older one.
    """
    names = [entry.name for entry in vault.shelf.entries(_folder(deployment))]
    epochs = [name for name in names if PurePosixPath(name).suffix == ".json"]
    return _read(vault, max(epochs), deployment) if epochs else None


def terms(vault: ShelfVault, deployment: str) -> list[Lease]:
    """Every lease there ever was, the oldest first; raises as :func:`current` does."""
    names = [entry.name for entry in vault.shelf.entries(_folder(deployment))]
    epochs = sorted(name for name in names if PurePosixPath(name).suffix == ".json")
    return [_read(vault, name, deployment) for name in epochs]


def take(vault: ShelfVault, held: Lease | None, deployment: str, holder: str, why: str) -> Lease:
    """The next term, for ``holder``, after ``held`` (None: the first one ever).

    Raises :class:`LeaseTakenError` when ``held`` isn't the newest any more.
    """
    lease = Lease(
        epoch=held.epoch + 1 if held else 1,
        deployment=deployment,
        holder=holder,
        taken_at=datetime.now(UTC),
        reason=why,
        nonce=secrets.token_hex(8),
    )
    name = f"{_folder(deployment)}/{lease.epoch:08d}.json"
    written = vault.shelf.create(name, _encode(lease, vault.keys))
    # Storage that ignores the condition is found out: what is there must be what was written.
    if not written or _read(vault, name, deployment).nonce != lease.nonce:
        winner = _read(vault, name, deployment)
        raise LeaseTakenError(
            f"{winner.holder} took it at {winner.taken_at:%H:%M:%S} UTC ({winner.reason})",
            step=_STEP,
            target=vault.uri,
            hint="another promotion is under way or done: `recovery standby status` tells which",
        )
    vault.shelf.settle()
    return lease


def finish(vault: ShelfVault, lease: Lease) -> None:
    """Notes that its holder serves: whatever had to be done for that is done. Safe to repeat."""
    vault.shelf.create(_done(lease), b"{}")
    vault.shelf.settle()


def is_finished(vault: ShelfVault, lease: Lease) -> bool:
    """Whether its holder was seen to serve; until then its promotion is under way, or was cut off.

    Not signed: it decides only whether to go on with what the signed record says.
    """
    return vault.shelf.size(_done(lease)) is not None


def _done(lease: Lease) -> str:
    return f"{_folder(lease.deployment)}/{lease.epoch:08d}.done"


def _folder(deployment: str) -> str:
    return f"{FOLDER}/{deployment[:16]}"


def _encode(lease: Lease, keys: VaultKeys | None) -> bytes:
    raw = lease.model_dump_json().encode()
    if keys is None or not keys.signing:
        return raw
    return sign(raw, KIND, load_signing_key(keys.signing))


def _read(vault: ShelfVault, name: str, deployment: str) -> Lease:
    try:
        with vault.shelf.read(name) as stream:
            raw = stream.read()
        if vault.keys is not None and vault.keys.trusted_keys:
            raw, _ = verify(raw, [KIND], vault.keys.trusted_keys)
        lease = Lease.model_validate(json.loads(raw))
    except (NotOnShelfError, NotTrustedError, ValueError, RecursionError) as refused:
        raise VaultError(
            f"the record {name} can't be trusted or read: {refused}",
            step="read the lease",
            target=vault.uri,
            hint="nobody may be promoted on its word: find out who wrote it, then remove it",
        ) from refused
    if lease.deployment != deployment:
        raise VaultError(f"{name} is of another deployment", step="read the lease")
    return lease
