"""Step: what in the recovery point would run code, against the point before; nothing is changed."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from recovery.counts import things
from recovery.restore.accounts_of import takes_state
from recovery.restore.backup_sources import newest_backups
from recovery.restore.context import Context
from recovery.restore.material import (
    ArtifactChange,
    by_name,
    changed_artifacts,
    definitions_in_backup,
    definitions_in_state,
)
from recovery.restore.other_changes import (
    Digests,
    changed_named,
    changed_package,
    changed_served,
    changes,
    hunts_in,
    running_in,
    settings_in,
    tools_in,
)
from recovery.restore.outgoing import Outgoing, monitored_in, outgoing
from recovery.restore.point_before import earlier_point
from recovery.restore.step import Report
from recovery.vault.manifest import Manifest
from recovery.velociraptor.api import ROOT
from recovery.velociraptor.config import ServerConfig
from recovery.velociraptor.named_files import definitions_in

OTHERS = "tools, monitoring, hunts, settings, package"
"""What is told of beside artifacts and files."""
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
    others: list[str]
    """What of :data:`OTHERS` is not as it was, in words."""


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
    _say_files(context, found.served, found.named, found.others)
    context.facts["material"] = material_json(found)
    since = f"since {found.before}" if found.before else "(there is no point before)"
    detail = f"{things(len(found.artifacts), 'artifact')} new or changed {since}"
    if found.served:
        detail += f"; {things(len(found.served), 'file')} for endpoints (tools) new or changed"
    if found.named:
        detail += f"; {things(len(found.named), 'file')} that the config names new or changed"
    if found.others:
        detail += f"; {things(len(found.others), 'other thing')} changed ({OTHERS})"
    if found.outgoing:
        names = ", ".join(sorted({sender.artifact for sender in found.outgoing}))
        detail += f"; monitoring that sends data out: {names}"
    return Report(detail)


def _say_files(
    context: Context, served: Sequence[str], named: Sequence[str], others: Sequence[str]
) -> None:
    for path in served:
        context.say(f"file for endpoints {path}")
    for path in named:
        context.say(f"file that the config names {path}")
    for words in others:
        context.say(words)


def _review_named(context: Context) -> Report:
    """Without artifacts of a datastore: those that the config names come back all the same."""
    if not context.has_point:
        return Report("no artifacts in this strategy", skipped=True)
    manifest = context.manifest
    before = earlier_point(context, manifest)
    named, others = changed_named(manifest, before), _others(context, manifest, before)
    if manifest.named is None and not others:
        return Report("no artifacts in this strategy", skipped=True)
    _say_files(context, [], named, others)
    return Report(
        f"{things(len(named), 'file')} that the config names new or changed; "
        f"{things(len(others), 'other thing')} changed (settings, package)"
    )


def material_of(context: Context) -> Material:
    """What the point that is asked for would bring, against the point before it."""
    manifest = context.manifest
    before = earlier_point(context, manifest)
    now = _definitions(context, manifest)
    old = _definitions(context, before) if before else now
    # A server reads those that its config names, too, and knows each by the name inside it.
    known = {**{(ROOT, path): text for path, text in definitions_in(context.named)}, **now}
    senders = [
        item
        for state in manifest.state
        if takes_state(context, manifest)
        if context.wants_org(state.org) and context.choice.provider("monitoring")
        for item in outgoing(context.fetch(state.tar), known)
    ]
    changed = [
        change
        for change in changed_artifacts(now, old)
        if context.wants_org(change.org) and context.choice.artifact(change.name)
    ]
    served = changed_served(manifest, before) if context.choice.provider("tools") else []
    named, others = changed_named(manifest, before), _others(context, manifest, before)
    return Material(before.point if before else "", changed, senders, served, named, others)


def _others(context: Context, manifest: Manifest, before: Manifest | None) -> list[str]:
    """Tools only where the state brings them."""
    if before is None:
        return []
    found = changed_package(manifest, before)
    found += changes("setting", _settings(context, manifest), _settings(context, before))
    if takes_state(context, manifest) and context.choice.provider("tools"):
        found += changes("tool", *_of_both(context, tools_in, manifest, before))
    if takes_state(context, manifest) and context.choice.provider("monitoring"):
        found += changes("monitoring", *_of_both(context, monitored_in, manifest, before))
    if takes_state(context, manifest) and context.choice.provider("hunts"):
        now, old = _of_both(context, hunts_in, manifest, before)
        (ran,) = _of_both(context, running_in, manifest)
        found += [
            f"hunt new, and it ran (a release starts it): {name}{what and f', {what}'}"
            for name, what in sorted(ran.items())
            if name not in old
        ]
        both = now.keys() & old.keys()  # a new hunt is paused, and an old one may be gone
        found += changes(
            "hunt's request", *({name: one[name] for name in both} for one in (now, old))
        )
    return found


def _settings(context: Context, manifest: Manifest) -> dict[str, str]:
    raw = context.fetch(manifest.config).read_bytes()
    return settings_in(ServerConfig.parse(raw, source=f"config of {manifest.point}").values)


def _of_both(
    context: Context, read: Callable[[Iterable[Path]], Digests], *points: Manifest
) -> list[Digests]:
    """What ``read`` finds in the states of the chosen orgs, of each point."""
    return [
        read(context.fetch(one.tar) for one in point.state if context.wants_org(one.org))
        for point in points
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
            "others": material.others,
        }
    )


def _definitions(context: Context, manifest: Manifest) -> dict[tuple[str, str], str]:
    """Of what the strategy takes them from: the state, or else the backups."""
    if takes_state(context, manifest):
        found = [definitions_in_state(context.fetch(state.tar)) for state in manifest.state]
    else:
        newest = newest_backups(context, manifest).items()
        found = [definitions_in_backup(path, org) for org, (_, path) in newest]
    return by_name((*key, text) for one in found for key, text in one.items())
