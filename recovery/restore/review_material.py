"""Step: what in the recovery point would run code, against the point before; nothing is changed."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from recovery.counts import things
from recovery.restore.backup_sources import newest_backups
from recovery.restore.context import Context
from recovery.restore.material import (
    ArtifactChange,
    changed_artifacts,
    definitions_in_backup,
    definitions_in_state,
)
from recovery.restore.outgoing import Outgoing, outgoing
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
    named: list[str]
    """Files that the config names (artifact definitions, TLS), likewise, by their full paths."""


def review_material(context: Context) -> Report:
    """Lists artifacts that changed since the point before with their diff, and what sends data.

    Nothing is held back here: a person decides, and hunts stay paused meanwhile.
    """
    if not context.has_point or not (context.wants("state") or context.wants("backup")):
        return _review_named(context)
    found = material_of(context)
    for change in found.artifacts:
        context.say(f"artifact {change.words}")
        for line in change.diff[:_LINES]:
            context.say(f"    {line}")
        if len(change.diff) > _LINES:
            context.say(
                f"    … {things(len(change.diff) - _LINES, 'line')} more: `recovery material`"
            )
    for sender in found.outgoing:
        context.say(f"monitoring {sender.words}")
    _say_files(context, found.served, found.named)
    context.facts["material"] = material_json(found)
    since = f"since {found.before}" if found.before else "(there is no point before)"
    detail = f"{things(len(found.artifacts), 'artifact')} new or changed {since}"
    if found.served:
        detail += f"; {things(len(found.served), 'file')} for endpoints (tools) new or changed"
    if found.named:
        detail += f"; {things(len(found.named), 'file')} that the config names new or changed"
    if found.outgoing:
        names = ", ".join(sorted({sender.artifact for sender in found.outgoing}))
        detail += f"; monitoring that sends data out: {names}"
    return Report(detail)


def _say_files(context: Context, served: Sequence[str], named: Sequence[str]) -> None:
    for path in served:
        context.say(f"file for endpoints {path}")
    for path in named:
        context.say(f"file that the config names {path}")


def _review_named(context: Context) -> Report:
    """Without artifacts of a datastore: those that the config names come back all the same."""
    manifest = context.manifest if context.has_point else None
    if manifest is None or manifest.named is None:
        return Report("no artifacts in this strategy", skipped=True)
    named = changed_named(manifest, earlier_point(context, manifest))
    _say_files(context, [], named)
    return Report(f"{things(len(named), 'file')} that the config names new or changed")


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
    named = changed_named(manifest, before)
    return Material(before.point if before else "", changed, senders, served, named)


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


def changed_named(now: Manifest, before: Manifest | None) -> list[str]:
    """Files that the config names, whose content is not that of the point before. Pure."""
    if before is None or now.named is None:
        return []
    old = before.named.digests if before.named else {}
    return [
        f"{'changed' if path in old else 'new'}: {path}"
        for path, digest in now.named.digests.items()
        if old.get(path) != digest
    ]


def material_json(material: Material) -> str:
    """For the report and ``--json``."""
    return json.dumps(
        {
            "before": material.before,
            "artifacts": [asdict(change) for change in material.artifacts],
            "outgoing": [asdict(sender) for sender in material.outgoing],
            "served": material.served,
            "named": material.named,
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
