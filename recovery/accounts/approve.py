"""Which accounts are let back in: as captured, as known before, by rules, or as approved."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from recovery.accounts.policy import Policy, let_in
from recovery.accounts.read_accounts import Account
from recovery.accounts.review import Difference
from recovery.errors import BadInputError

ALL = "all"
KNOWN = "known"
UNCHANGED = "unchanged"
"""The default: like ``known``, but where no account was captured before, as captured."""


class ApprovedAccount(BaseModel):
    """Bound to the rights it was approved with: changed afterwards, it isn't approved."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    org: str
    name: str
    rights: str
    """SHA-256 of the policy."""


class Approval(BaseModel):
    """What a person approved, for one deployment; a small JSON file without secrets."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    deployment: str
    approved: list[ApprovedAccount]


def approve(policy: str, differences: Sequence[Difference], deployment: str) -> list[Account]:
    """The accounts that may come back.

    ``policy``: ``all``; ``known`` (in the earlier point with no right less: never a new name,
    never a new administrator); ``unchanged`` (the same, but everybody where there is no earlier
    account to compare with: a first recovery point must not lock its owner out); or the path of
    a file: an approval, or rules (:mod:`recovery.accounts.policy`). ``differences`` are those of
    the whole point, whatever was chosen of it. Raises :class:`BadInputError` when the file can't
    be used or is of another deployment.
    """
    captured = [item for item in differences if item.now is not None]
    if policy == ALL or (policy == UNCHANGED and not any(item.before for item in differences)):
        return [item.now for item in captured if item.now]
    if policy in (KNOWN, UNCHANGED):
        return let_in(Policy(), differences)
    approval = read_rules(Path(policy), deployment)
    if isinstance(approval, Policy):
        return let_in(approval, differences)
    allowed = {(entry.org, entry.name, entry.rights) for entry in approval.approved}
    present = [item.now for item in captured if item.now]
    return [a for a in present if (a.org, a.name, a.rights) in allowed]


def write_approval(path: Path, accounts: Iterable[Account], deployment: str) -> Approval:
    """Writes an approval of exactly these accounts, readable by its owner alone."""
    approval = Approval(
        deployment=deployment,
        approved=[ApprovedAccount(org=a.org, name=a.name, rights=a.rights) for a in accounts],
    )
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        if path.is_file():  # of one that was there the mode would stay
            os.fchmod(file.fileno(), 0o600)
        file.write(approval.model_dump_json(indent=1) + "\n")
    return approval


def read_rules(path: Path, deployment: str) -> Approval | Policy:
    """The approval, or the rules, in a file.

    Raises :class:`BadInputError` when it is neither, or meant for another deployment.
    """
    if not path.is_file():
        raise BadInputError(
            "neither a policy (unchanged, known, all) nor a file",
            target=str(path),
            hint="`recovery accounts approve --vault URI --out FILE` makes an approval; "
            "`recovery accounts approve --help` shows rules",
        )
    hint = (
        "make one: `recovery accounts approve --vault URI --out FILE`; or write rules: "
        "`recovery accounts approve --help` shows them"
    )
    kind: type[Approval | Policy] = Approval
    try:
        values: Any = yaml.load(path.read_bytes(), Loader=_OnceLoader)  # noqa: S506 - a safe one
        kind = Approval if isinstance(values, dict) and "approved" in values else Policy
        if not isinstance(values, dict) or not values:
            raise ValueError("it is empty")  # noqa: TRY301 - told like every other fault of the file
        rules = kind.model_validate(values)
    except (OSError, ValueError, yaml.YAMLError) as broken:
        what = "approval of accounts" if kind is Approval else "approval, and no rules for accounts"
        raise BadInputError(
            f"no {what} can be read: {_first(broken)}", target=str(path), hint=hint
        ) from broken
    if rules.deployment and rules.deployment != deployment:
        raise BadInputError("the approval is of another deployment", target=str(path), hint=hint)
    return rules


class _OnceLoader(yaml.SafeLoader):
    """Refuses a rule that stands twice: the last one would count, whatever the first forbids."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = [key.value for key, _ in node.value]
        if twice := sorted({str(name) for name in names if names.count(name) > 1}):
            raise ValueError(f"{', '.join(twice)}: it stands there twice")
        return super().construct_mapping(node, deep)


def _first(broken: Exception) -> str:
    """One line of what is wrong."""
    if isinstance(broken, ValidationError):
        first = broken.errors(include_url=False)[0]
        return f"{'.'.join(str(part) for part in first['loc'][:1])}: {first['msg']}"
    return str(broken).splitlines()[0]
