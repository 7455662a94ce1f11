"""Which accounts are let back in: as captured, as known before, or as a person approved."""

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from recovery.accounts.read_accounts import Account
from recovery.accounts.review import Difference
from recovery.errors import BadInputError

ALL = "all"
KNOWN = "known"


class ApprovedAccount(BaseModel):
    """Bound to the rights it was approved with: changed afterwards, it isn't approved."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    org: str
    name: str
    rights: str
    """Digest of the policy."""


class Approval(BaseModel):
    """What a person approved, for one deployment; a small JSON file without secrets."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    deployment: str
    approved: list[ApprovedAccount]


def approve(policy: str, differences: Sequence[Difference], deployment: str) -> list[Account]:
    """The accounts that may come back.

    ``policy``: ``all``; ``known`` (in the earlier point with the same rights: never a new
    name, never a new administrator); or the path of an approval file. Raises
    :class:`BadInputError` when the file can't be used or is of another deployment.
    """
    captured = [item for item in differences if item.now is not None]
    if policy == ALL:
        return [item.now for item in captured if item.now]
    if policy == KNOWN:
        return [item.now for item in captured if item.now and item.change == "same"]
    approval = read_approval(Path(policy), deployment)
    allowed = {(entry.org, entry.name, entry.rights) for entry in approval.approved}
    present = [item.now for item in captured if item.now]
    return [a for a in present if (a.org, a.name, a.digest) in allowed]


def write_approval(path: Path, accounts: Iterable[Account], deployment: str) -> Approval:
    """Writes an approval of exactly these accounts, readable by its owner alone."""
    approval = Approval(
        deployment=deployment,
        approved=[ApprovedAccount(org=a.org, name=a.name, rights=a.digest) for a in accounts],
    )
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(approval.model_dump_json(indent=1) + "\n")
    return approval


def read_approval(path: Path, deployment: str) -> Approval:
    """The approval in a file; :class:`BadInputError` when it is none, or another deployment's."""
    hint = "make one: `recovery accounts approve --vault URI --out FILE`"
    try:
        approval = Approval.model_validate(json.loads(path.read_bytes()))
    except (OSError, ValueError, ValidationError) as broken:
        raise BadInputError(
            f"no approval of accounts can be read: {broken}", target=str(path), hint=hint
        ) from broken
    if approval.deployment != deployment:
        raise BadInputError("the approval is of another deployment", target=str(path), hint=hint)
    return approval
