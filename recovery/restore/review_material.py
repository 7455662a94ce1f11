"""Step: what in the recovery point would run code, against the point before; nothing is changed."""

import json
from dataclasses import asdict, dataclass

from recovery.restore.backup_sources import newest_backups
from recovery.restore.context import Context
from recovery.restore.material import (
    ArtifactChange,
    Outgoing,
    changed_artifacts,
    definitions_in_backup,
    definitions_in_state,
    outgoing,
)
from recovery.restore.review_accounts import earlier_point
from recovery.restore.step import Report
from recovery.vault.manifest import Manifest

_LINES = 20
"""Of each diff, while a recovery runs; `recovery material` shows them whole."""


@dataclass(frozen=True)
class Material:
    """Artifacts that aren't as in ``before`` (a point's id, empty for none), and senders."""

    before: str
    artifacts: list[ArtifactChange]
    outgoing: list[Outgoing]
    served: list[str]
    """Files for endpoints that are new or another content, by their paths below the datastore."""


def review_material(context: Context) -> Report:
    """Lists artifacts that changed since the point before with their diff, and what sends data.

    Nothing is held back here: a person decides, and hunts stay paused meanwhile.
    """
    if not context.has_point or not (context.wants("state") or context.wants("backup")):
        return Report("no artifacts in this strategy", skipped=True)
    found = material_of(context)
    for change in found.artifacts:
        context.say(f"artifact {change.words}")
        for line in change.diff[:_LINES]:
            context.say(f"    {line}")
        if len(change.diff) > _LINES:
            context.say(f"    … {len(change.diff) - _LINES} lines more: `recovery material`")
    for sender in found.outgoing:
        context.say(f"monitoring {sender.words}")
    for path in found.served:
        context.say(f"file for endpoints {path}")
    context.facts["material"] = material_json(found)
    since = f"since {found.before}" if found.before else "(there is no point before)"
    detail = f"{len(found.artifacts)} artifacts new or changed {since}"
    if found.served:
        detail += f"; {len(found.served)} files for endpoints (tools) new or changed"
    if found.outgoing:
        names = ", ".join(sorted({sender.artifact for sender in found.outgoing}))
        detail += f"; monitoring that sends data out: {names}"
    return Report(detail)


def material_of(context: Context) -> Material:
    """What the point that is asked for would bring, against the point before it."""
    manifest = context.manifest
    before = earlier_point(context, manifest)
    now = _definitions(context, manifest)
    old = _definitions(context, before) if before else now
    senders = [
        item
        for state in manifest.state
        if context.wants_org(state.org) and context.choice.provider("monitoring")
        for item in outgoing(context.fetch(state.tar), now)
    ]
    changed = [
        change
        for change in changed_artifacts(now, old)
        if context.wants_org(change.org) and context.choice.artifact(change.name)
    ]
    served = changed_served(manifest, before) if context.choice.provider("tools") else []
    return Material(before.point if before else "", changed, senders, served)


def changed_served(now: Manifest, before: Manifest | None) -> list[str]:
    """Tools run on endpoints: those whose content is not that of the point before. Pure."""
    if before is None:
        return []
    old = {served.path: served.file.sha256 for served in before.served}
    return [
        f"{'changed' if served.path in old else 'new'}: {served.path}"
        for served in now.served
        if old.get(served.path) != served.file.sha256
    ]


def material_json(material: Material) -> str:
    """For the report and ``--json``."""
    return json.dumps(
        {
            "before": material.before,
            "artifacts": [asdict(change) for change in material.artifacts],
            "outgoing": [asdict(sender) for sender in material.outgoing],
            "served": material.served,
        }
    )


def _definitions(context: Context, manifest: Manifest) -> dict[tuple[str, str], str]:
    """Of the state where there is one with artifacts in it, else of the backups."""
    found: dict[tuple[str, str], str] = {}
    for state in manifest.state:
        found |= definitions_in_state(context.fetch(state.tar))
    if found:
        return found
    for org, (_, path) in newest_backups(context, manifest).items():
        found |= definitions_in_backup(path, org)
    return found
