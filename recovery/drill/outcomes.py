"""The steps that a rebuild took, out of the outputs of its update."""

from typing import Any

from recovery.restore.request import Outcome

_GROUPS = ("server", "collections", "proof")


def steps_of(outputs: dict[str, Any]) -> list[tuple[str, Outcome]]:
    """(group, outcome) in their order; ``restored`` holds one list a group."""
    return [
        (group, Outcome.model_validate(outcome))
        for group, outcomes in zip(_GROUPS, outputs.get("restored") or [], strict=False)
        for outcome in outcomes or []
    ]
