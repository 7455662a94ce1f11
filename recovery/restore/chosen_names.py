"""Names that were asked for, and that nothing in the point bears: a typing error, mostly.

A server takes a name that matches nothing for success (facts: backup_restore()).
"""

from recovery.restore.choice import Choice
from recovery.vault.manifest import Manifest
from recovery.velociraptor.api import ROOT


def unknown_name(manifest: Manifest, choice: Choice) -> tuple[str, str] | None:
    """(option, name) of the first one that chooses nothing; None when each chooses something.

    Decided by the choice itself, so that no spelling is refused that it understands, and none let
    pass that would bring back nothing. Looked for in the chosen orgs. Pure.
    """
    for org in choice.orgs:
        if org != ROOT and org not in manifest.orgs:
            return "--org", org
    there = {
        item: {
            name
            for org, items in manifest.inventory.orgs.items()
            if choice.org(org)
            for name in items.get(item, ())
        }
        for item in ("acls", "users", "artifacts", "hunts")
    }
    hunts = there["hunts"] | {a.hunt_id for a in manifest.archives if choice.org(a.org)}
    for name in choice.users:
        if not any(map(Choice(users=[name]).user, there["acls"] | there["users"])):
            return "--user", name
    for name in choice.artifacts:
        if not any(map(Choice(artifacts=[name]).artifact, there["artifacts"])):
            return "--artifact", name
    for name in choice.hunts:
        if not any(map(Choice(hunts=[name]).hunt, hunts)):
            return "--hunt", name
    return None
