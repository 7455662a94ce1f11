"""What must come back, as the operator asks for it: ``labels,hunts,collections:30d,everything``."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from recovery.errors import BadInputError

WISHES: Mapping[str, tuple[str, ...]] = {
    "clients": ("clients",),
    "labels": ("labels",),
    "orgs": ("orgs",),
    "users": ("users", "passwords", "user_options", "acls"),
    "artifacts": ("artifacts", "artifact_tags"),
    "hunts": ("hunts", "hunt_parameters"),
    "notebooks": ("notebooks",),
    "metadata": ("client_metadata", "server_metadata"),
    "monitoring": ("client_monitoring", "server_monitoring"),
    "secrets": ("secrets",),
    "tools": ("tools", "served_files"),
    "collections": ("flows", "uploads", "hunt_results"),
}
"""Word → the items of an inventory that it means."""
EVERYTHING, NOTHING = "everything", "nothing"
BEYOND = "files"
"""The item that stands for whatever no inventory counts: logs, events, running flows, exports."""


@dataclass(frozen=True)
class Wishes:
    """``items`` of an inventory, and :data:`BEYOND`; ``since``: how far back collections go."""

    items: frozenset[str] = frozenset()
    since: timedelta | None = None


def read_wishes(text: str, read_length: Callable[[str], timedelta]) -> Wishes:
    """From words joined by commas; :class:`BadInputError` names one that isn't known,
    and refuses an empty list (a script's unset variable asked for nothing at all).
    """
    items: set[str] = set()
    ages: list[timedelta | None] = []
    words = [word for word in (part.strip() for part in text.split(",")) if word]
    for word in words if words != [NOTHING] else []:
        name, limited, age = word.partition(":")
        if name == EVERYTHING and not limited:
            items |= {item for wish in WISHES.values() for item in wish} | {BEYOND}
            ages.append(None)
            continue
        if name not in WISHES or (limited and name != "collections"):
            raise BadInputError(
                f"not something to keep: {word!r}",
                target="--keep",
                hint=f"choose from {', '.join(WISHES)}, {EVERYTHING}; collections:30d for the "
                "collections of the last 30 days",
            )
        items.update(WISHES[name])
        if name == "collections":
            ages.append(read_length(age) if limited else None)
    if not words:
        raise BadInputError(
            "it is empty",
            target="--keep",
            hint=f"leave it away for the usual, or name some: {', '.join(WISHES)}, {EVERYTHING}; "
            f"{NOTHING} where it is enough that clients find a server again",
        )
    known = [age for age in ages if age is not None]
    return Wishes(frozenset(items), max(known) if known and len(known) == len(ages) else None)
