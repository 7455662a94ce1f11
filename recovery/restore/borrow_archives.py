"""Archives for a recovery point that holds none: those of the newest earlier point that does.

A complete copy, or a capture of the state alone, is made between captures of the collections. As
the newest point it would otherwise bring back a server without any.
"""

from collections.abc import Callable

from recovery.vault.by_capture import by_capture
from recovery.vault.manifest import Archive, Manifest
from recovery.vault.store import Vault

Say = Callable[[str], None]


def with_archives(manifest: Manifest, vault: Vault, say: Say = lambda _line: None) -> Manifest:
    """``manifest``, where its capture left collections out with the archives of an earlier point.

    A collection that the server no longer had at ``manifest`` stays away. Later points are never
    looked at: an older one was chosen for a reason. What is taken, and from where, is said.
    """
    if "collections" in manifest.parts or not _has_collections(manifest):
        return manifest
    lender = newest_lender(manifest, vault)
    if lender is None:
        say(f"{manifest.point} holds no archives of collections, and no earlier point does")
        return manifest
    lent = [archive for archive in lender.archives if still_there(archive, manifest)]
    say(
        f"{manifest.point} holds no archives of collections: {len(lent)} of {lender.point} are "
        "taken; what was collected since is lost"
        + (" (--strategy datastore: the complete copy has it)" if manifest.datastore else "")
    )
    return manifest.model_copy(update={"archives": lent})


def newest_lender(manifest: Manifest, vault: Vault) -> Manifest | None:
    """The last captured point with archives that is of the same server and not later."""
    fitting = (
        point
        for point in by_capture(vault.newest_first())
        if point.archives
        and point.server.deployment == manifest.server.deployment
        and point.captured_at <= manifest.captured_at
    )
    return next(fitting, None)


def still_there(archive: Archive, manifest: Manifest) -> bool:
    """Whether the server had the collection when ``manifest`` was captured.

    What was not counted then (an adopted point) is taken as there.
    """
    items = manifest.inventory.orgs.get(archive.org)
    if items is None:
        return False
    if archive.kind == "hunt":
        return "hunts" not in items or archive.hunt_id in items["hunts"]
    return "flows" not in items or f"{archive.client_id}/{archive.flow_id}" in items["flows"]


def _has_collections(manifest: Manifest) -> bool:
    return any(items.get("flows") for items in manifest.inventory.orgs.values())
