"""Which forwarding a recovery point had: read from its inventory, which names monitoring."""

from recovery.forwarding.kinds import KINDS, Kind
from recovery.vault.manifest import Manifest


def expected_forwarding(manifest: Manifest) -> list[tuple[str, Kind]]:
    """(org, kind) of every forwarding that was on at the capture."""
    return [
        (org, kind)
        for org, items in manifest.inventory.orgs.items()
        for kind in KINDS.values()
        if {kind.artifact, kind.own_artifact} & set(items.get("server_monitoring", {}))
    ]
