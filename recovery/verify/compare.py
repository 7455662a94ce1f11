"""Two inventories in, one line an org and item out: what came back, what is lost, and why."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from recovery.vault.manifest import Part
from recovery.velociraptor.api import ROOT
from recovery.velociraptor.inventory import ITEMS, Entries, Inventory, in_full, whole_names
from recovery.velociraptor.stored_names import same_user
from recovery.verify.expected import expected_loss

NAMES_SHOWN = 20


class FidelityLine(BaseModel):
    """One item of one org. ``captured`` = ``restored`` + ``lost`` + ``changed``.

    ``restored`` came back equal; ``changed`` is there with another content; ``added`` is
    there though the recovery point doesn't know it. ``missing`` names the first
    :data:`NAMES_SHOWN` of the lost, then of the changed, ``unknown`` those of the added.
    ``expected`` says that the strategy
    told this loss beforehand, ``note`` why.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    item: str
    org: str
    captured: int
    restored: int
    lost: int
    changed: int
    added: int
    missing: list[str] = []
    unknown: list[str] = []
    note: str = ""
    expected: bool = False

    @property
    def falls_short(self) -> bool:
        """Whether something is lost or changed that the strategy promises."""
        return bool(self.lost or self.changed) and not self.expected


def compare(
    captured: Inventory, restored: Inventory, strategy: Sequence[Part]
) -> list[FidelityLine]:
    """Compares key by key; ``strategy`` decides which losses are expected. Pure.

    Orgs in the order root first, items in that of the report; a line for whatever there is
    on either side. An org that is missing altogether has lost everything in it. Users are called by
    their whole names.
    """
    names = whole_names(captured, restored)
    captured, restored = in_full(captured, names), in_full(restored, names)
    orgs = sorted({*captured.orgs, *restored.orgs}, key=lambda org: (org != "root", org))
    lines = [_line(captured, restored, org, item, strategy) for org in orgs for item in ITEMS]
    return [line for line in lines if line.captured or line.added]


def _entries(inventory: Inventory, org: str, item: str) -> Entries:
    return inventory.orgs.get(org, {}).get(item, {})


def _line(
    before: Inventory, after: Inventory, org: str, item: str, strategy: Sequence[Part]
) -> FidelityLine:
    captured, restored = (_entries(inventory, org, item) for inventory in (before, after))
    lost = sorted(captured.keys() - restored.keys())
    changed = sorted(
        key for key in captured.keys() & restored.keys() if _differs(key, captured, restored)
    )
    names = [*lost, *(f"{key} (changed)" for key in changed)]
    added = sorted(restored.keys() - captured.keys())
    reason = expected_loss(item, strategy, {*lost, *changed}, _in_backups(before, org, item, lost))
    return FidelityLine(
        item=item,
        org=org,
        captured=len(captured),
        restored=len(captured) - len(names),
        lost=len(lost),
        changed=len(changed),
        added=len(added),
        missing=names[:NAMES_SHOWN],
        unknown=added[:NAMES_SHOWN],
        note=_note(reason, bool(captured), bool(names)),
        expected=reason is not None and bool(names),
    )


def _in_backups(inventory: Inventory, org: str, item: str, lost: Sequence[str]) -> set[str]:
    """The names that a backup would hold, of an item that it holds in part."""
    if item != "users":
        return {*_entries(inventory, ROOT, "artifacts"), *_entries(inventory, org, "artifacts")}
    entitled = {
        same_user(name) for each in inventory.orgs for name in _entries(inventory, each, "acls")
    }
    return {name for name in lost if same_user(name) in entitled}


def _differs(key: str, captured: Entries, restored: Entries) -> bool:
    return captured[key] != restored[key]


def _note(reason: str | None, had: bool, short: bool) -> str:
    if reason is None or not had:
        return ""
    return reason if short else "came back whole, though this strategy doesn't promise it"
