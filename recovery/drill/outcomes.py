"""The steps that a rebuild took, out of the outputs of its update."""

from collections.abc import Mapping
from typing import Any

from recovery.restore.request import Outcome

_GROUPS = ("server", "collections", "proof")


def steps_of(groups: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, Outcome]]:
    """(group, outcome) in their order; ``groups``: outputs of the step groups that ran."""
    return [
        (group, Outcome.model_validate(outcome))
        for group in _GROUPS
        for outcome in groups.get(group, {}).get("outcomes") or []
    ]
