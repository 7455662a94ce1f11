"""Step: what the server now has, against what the recovery point counted."""

from recovery.counts import things
from recovery.restore.context import Context
from recovery.restore.promise import promised
from recovery.restore.room import once_there_is_room
from recovery.restore.step import Report
from recovery.velociraptor.take_inventory import take_inventory
from recovery.verify.compare import compare
from recovery.verify.deleted_flows import without_deleted_flows

_WITH_ARCHIVES = frozenset({"hunts", "hunt_parameters", "hunt_results", "flows", "uploads"})
"""What the archives may still bring; the proof looks at it after them."""


def compare_counts(context: Context) -> Report:
    """Compares before DNS is switched; collections, which come later, don't count here."""
    if not context.has_point:
        return Report("first deployment: nothing to compare with", skipped=True)
    manifest = promised(context).manifest
    # Listing all artifacts would compile every one of them: seconds in which no client is served.
    names = {
        org: {*items.get("artifacts", {}), *items.get("artifact_tags", {})}
        for org, items in manifest.inventory.orgs.items()
    }
    placed = {
        (served.path, served.file.size, float(int(served.changed))): served.file.sha256
        for served in context.manifest.served
    }
    restored = once_there_is_room(
        context,
        lambda: take_inventory(
            context.api(),
            context.target,
            context.config,
            names,
            # What was just placed (its time in whole seconds) isn't read here; the proof reads it.
            served=lambda file: placed.get((file.path, file.size, file.changed)),
        ),
    )
    before_archives = [part for part in context.request.strategy if part != "collections"]
    lines = compare(*without_deleted_flows(manifest, restored), before_archives)
    later = _WITH_ARCHIVES if context.wants("collections") else frozenset()
    lost = [line for line in lines if line.falls_short and line.item not in later]
    for line in lost:  # the proof, which every recovery ends with, names them as findings
        context.say(
            f"not back: {line.org}: {line.lost + line.changed} of {line.captured} "
            f"{line.item} lost or changed"
        )
    total = sum(line.captured for line in lines)
    kept = total - sum(line.lost for line in lines)
    short = f" · {things(len(lost), 'kind')} of them short" if lost else ""
    return Report(
        f"{kept} of {things(total, 'captured thing')} are back before the archives{short}"
    )
