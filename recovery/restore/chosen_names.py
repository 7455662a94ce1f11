"""Choices that would bring back nothing: a typing error, mostly.

A server takes a name that matches nothing for success (facts: backup_restore()).
"""

import difflib
from collections.abc import Callable, Mapping
from typing import NamedTuple

from recovery.restore.choice import Choice, Provider
from recovery.vault.manifest import Manifest
from recovery.velociraptor.api import ROOT


class Unknown(NamedTuple):
    """An option's value that nothing bears, and the name that is meant, where one is near."""

    option: str
    name: str
    meant: str = ""


def unknown_name(manifest: Manifest, choice: Choice) -> Unknown | None:
    """The first one that chooses nothing; None when each chooses something.

    Decided by the choice itself, so that no spelling is refused that it understands, and none let
    pass that would bring back nothing. Looked for in the chosen orgs. Pure.
    """
    for org in choice.orgs:
        if org != ROOT and org not in manifest.orgs:
            called = {name: ident for ident, name in manifest.org_names.items() if ident != ROOT}
            return Unknown("--org", org, _near(org, called | {one: one for one in manifest.orgs}))
    there = {
        item: {
            name
            for org, items in manifest.inventory.orgs.items()
            if choice.org(org)
            for name in items.get(item, ())
        }
        for item in ("acls", "users", "artifacts", "hunts")
    }
    users = there["acls"] | there["users"]
    hunts = there["hunts"] | {a.hunt_id for a in manifest.archives if choice.org(a.org)}
    asked: list[tuple[str, str, Callable[[str], bool], set[str]]]
    asked = [("--user", name, Choice(users=[name]).user, users) for name in choice.users]
    asked += [
        ("--artifact", name, Choice(artifacts=[name]).artifact, there["artifacts"])
        for name in choice.artifacts
    ]
    asked += [("--hunt", name, Choice(hunts=[name]).hunt, hunts) for name in choice.hunts]
    for option, name, chooses, names in asked:
        if not any(map(chooses, names)):
            return Unknown(option, name, _near(name, {one: one for one in names}))
    return None


def left_out_by_kind(choice: Choice) -> tuple[str, str] | None:
    """(option, kind) of a name or time whose kind of thing the choice leaves out; else None."""
    times = bool(choice.flows_since or choice.flows_until)
    wants: tuple[tuple[str, object, tuple[Provider, ...]], ...] = (
        ("--user", choice.users, ("users",)),
        ("--artifact", choice.artifacts, ("artifacts",)),
        ("--hunt", choice.hunts, ("hunts",)),
        ("--flows-since or --flows-until", times, ("flows", "hunts")),
    )
    for option, given, kinds in wants:
        if given and not any(map(choice.provider, kinds)):
            return option, kinds[0]
    return None


def artifacts_missed(manifest: Manifest, choice: Choice) -> list[str]:
    """Captured artifacts that the choice leaves out, and whose rows it brings back.

    A server shows no rows of an artifact that it doesn't know (seen: "Artifact … not known").
    """
    left_out = {
        org: {
            name
            for of in (org, ROOT)  # another org has the root's, too
            for name in manifest.inventory.orgs.get(of, {}).get("artifacts", ())
            if not choice.artifact(name)
        }
        for org in {archive.org for archive in manifest.archives}
    }
    return sorted(
        {
            name
            for archive in filter(choice.archive, manifest.archives)
            for name in (full.partition("/")[0] for full in archive.artifacts)
            if name in left_out[archive.org]
        }
    )


def _near(said: str, names: Mapping[str, str]) -> str:
    """What the nearest of ``names`` stands for; capitals don't count."""
    folded = {name.lower(): meant for name, meant in names.items()}
    near = difflib.get_close_matches(said.lower(), folded, n=1)
    return folded[near[0]] if near else ""
