"""What could be exported from every org: its flows and hunts, as the options choose them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from recovery.capture import compare_clocks
from recovery.capture.collection import Collection, hunt_collection
from recovery.capture.list_flows import OrgFlows, list_flows
from recovery.capture.options import CaptureOptions
from recovery.capture.scene import Scene
from recovery.errors import ServerError
from recovery.velociraptor.api import ROOT, Api, Row
from recovery.velociraptor.inventory_queries import HUNT_FLOWS
from recovery.velociraptor.take_inventory import count_rows

_ORGS = "SELECT Name, OrgId FROM orgs()"
_HUNTS = (
    "SELECT hunt_id, state, create_time, start_time, stats, artifacts, "
    "start_request.artifacts AS requested FROM hunts()"
)


@dataclass(frozen=True)
class OrgCollections:
    """An org's flows and hunts; ``members``: rows of the hunts' flows."""

    flows: OrgFlows
    hunts: list[Collection]
    members: list[Row]

    def chosen(self, options: CaptureOptions, ahead: timedelta) -> list[Collection]:
        """Those that ``options`` want (``flows_since``, ``hunts``); ``ahead``: of the clocks."""
        flows, since = self.flows.flows, options.flows_since
        recent = (
            flows if since is None else [flow for flow in flows if _recent(flow, since - ahead)]
        )
        return recent + [hunt for hunt in self.hunts if _wanted(hunt, options.hunts)]


def list_orgs(api: Api) -> dict[str, str]:
    """Org id → name, the root org first."""
    rows = api.query(_ORGS, min_rows=1)
    names = {row["OrgId"] or ROOT: row["Name"] for row in rows}
    return dict(sorted(names.items(), key=lambda pair: (pair[0] != ROOT, pair[0])))


def list_everywhere(scene: Scene) -> Iterator[list[Collection]]:
    """The chosen flows and hunts, an org at a time; what can't be listed is a gap."""
    listed: list[OrgCollections] = []
    for org in scene.orgs:
        try:
            found = list_collections(scene.api, org, list_flows(scene.api, org, {}))
        except ServerError as refused:
            scene.gap(f"{org}: its flows and hunts could not be listed: {refused.message}")
            continue
        listed.append(found)
        yield found.chosen(scene.options, scene.ahead)
    note_unknown_hunts(scene, listed)


def note_unknown_hunts(scene: Scene, listed: list[OrgCollections]) -> None:
    """A hunt asked for by its id that no org lists is a gap.

    It is deleted, or archived by an older server, which 0.77.2 still keeps on its disk but lists
    no more (facts: hunts() leaves out archived ones). An archived hunt's flows are listed as any
    other flow.
    """
    if scene.options.hunts != "all":
        known = {hunt.ident for found in listed for hunt in found.hunts}
        for ident in scene.options.hunts:
            if ident not in known:
                scene.gap(f"{ident}: the server lists no such hunt: mistyped, deleted or archived")


def list_collections(api: Api, org: str, flows: OrgFlows) -> OrgCollections:
    """All of the org's flows and hunts. Raises :class:`ServerError` when anything was left out."""
    members = count_rows(api, HUNT_FLOWS, org)
    of_hunt: dict[str, list[tuple[str, str]]] = {}
    for row in members:
        of_hunt.setdefault(row["HuntId"], []).append((row["ClientId"], row["FlowId"]))
    known = {(flow.client_id, flow.ident): flow for flow in flows.flows}
    hunts = [
        hunt_collection(org, row, sorted(of_hunt.get(row["hunt_id"], [])), known)
        for row in count_rows(api, _HUNTS, org)
    ]
    return OrgCollections(flows, hunts, members)


def _wanted(hunt: Collection, wanted: Literal["all"] | list[str]) -> bool:
    return wanted == "all" or hunt.ident in wanted


def _recent(flow: Collection, since: timedelta) -> bool:
    """Whether it was active in time. Clients' clocks are part of the stamp: an hour is allowed."""
    if flow.active_at is None:
        return True
    return flow.active_at.timestamp() >= compare_clocks.here() - since.total_seconds() - 3600
