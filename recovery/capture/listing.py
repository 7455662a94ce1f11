"""Every org's flows and hunts as a capture found them, and what of them goes into the manifest.

They are listed once, while the inventory is taken: what it counts and what is exported are the
same flows.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from recovery.capture.collection import Collection
from recovery.capture.flow_stamps import Stamps
from recovery.capture.list_collections import OrgCollections, list_collections, note_unknown_hunts
from recovery.capture.list_flows import ask_again, list_flows
from recovery.capture.scene import CaptureScene
from recovery.counts import things
from recovery.errors import ServerError
from recovery.vault.manifest import FlowRecord, Manifest
from recovery.velociraptor.inventory import Entries
from recovery.velociraptor.inventory_entries import hunt_results


@dataclass
class Listing:
    """``earlier``: a point of the same server and version, or None.

    ``stamps``: read before, and waited for when the first org is listed.
    """

    scene: CaptureScene
    stamps: Callable[[], Stamps]
    earlier: Manifest | None
    _orgs: dict[str, OrgCollections] = field(default_factory=dict)

    def count(self, org: str) -> dict[str, Entries]:
        """Lists an org; its entries of the inventory. Orgs may go side by side."""
        api = self.scene.api
        flows = list_flows(api, org, self.stamps().get(org, {}), self.earlier)
        found = self._orgs[org] = list_collections(api, org, flows)
        return {
            "flows": flows.counted,
            "uploads": flows.uploads,
            "hunt_results": hunt_results(found.members),
        }

    def flows(self) -> int:
        """The number of flows in all orgs."""
        return sum(len(found.flows.flows) for found in self._orgs.values())

    def records(self) -> dict[str, dict[str, FlowRecord]]:
        """For the manifest: what the next capture need not ask again."""
        return {org: found.flows.records for org, found in self._orgs.items()}

    def wanted(self) -> list[Collection]:
        """What the options choose. What could not be listed, or runs no more, is as it is now."""
        scene = self.scene
        wanted = []
        for org in filter(self._orgs.__contains__, scene.orgs):
            found = self._orgs[org]
            if found.flows.without_client:
                scene.gap(_without_client(org, found.flows.without_client))
            wanted += self._as_now(org, found.chosen(scene.options, scene.ahead))
        note_unknown_hunts(scene, list(self._orgs.values()))
        return wanted

    def _as_now(self, org: str, chosen: list[Collection]) -> list[Collection]:
        """Flows that had not ended when they were listed are looked at once more."""
        running = [flow for flow in chosen if flow.running]
        if not running:
            return chosen
        try:
            now = ask_again(self.scene.api, org, running)
        except ServerError:
            return chosen  # the org is gone: its exports will say so
        return [now.get(item.key, item) if item.running else item for item in chosen]


def _without_client(org: str, keys: list[str]) -> str:
    clients = {key.partition("/")[0] for key in keys}
    return (
        f"{org}: {things(len(keys), 'flow')} of {things(len(clients), 'client')} "
        f"that the server's client list lacks, e.g. {keys[0]}; the server can't export them "
        "before these clients come back"
    )
