"""Tags and flags of built-in artifacts, as they are in the server's memory: no backup holds them.

A server writes them a minute late, and not at its end (read in its source; on a real one a tag that
was set three seconds before a restart was gone after it).
"""

import json

from recovery.capture.scene import CaptureScene
from recovery.capture.take_backups import TakenBackups
from recovery.velociraptor.account_files import cleaned
from recovery.velociraptor.inventory import Inventory
from recovery.velociraptor.inventory_queries import NAMED_ARTIFACTS


def add_built_in(scene: CaptureScene, backups: TakenBackups, inventory: Inventory) -> None:
    """Adds to ``backups.tags`` what the inventory counts and the fresh backups don't hold."""
    for org in scene.orgs:
        tags = backups.tags.setdefault(org, {})
        wanted = inventory.orgs.get(org, {}).get("artifact_tags", {}).keys() - tags.keys()
        if not wanted:
            continue
        env = {"Names": json.dumps(sorted(wanted))}
        for row in scene.api.query(NAMED_ARTIFACTS, env=env, org=org):
            if row["name"] in wanted and (metadata := cleaned(row["metadata"])):
                tags[row["name"]] = metadata
