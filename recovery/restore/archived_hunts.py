"""A hunt's archive, read once: its flows made ready for import, the rest kept without the archive.

Archives of hunts are as large as all that their clients sent: each is gone from the work folder
before the next one comes.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from recovery.errors import BadInputError
from recovery.restore.check_zip import check_members, open_zip
from recovery.restore.context import Context
from recovery.restore.parcel import HINT, Parcel, parcel_inside
from recovery.vault.check_names import wrong_flow
from recovery.vault.manifest import Archive
from recovery.velociraptor.archive_file import (
    Place,
    by_folder,
    flows_inside,
    hunt_alone,
    hunt_of,
)


@dataclass(frozen=True)
class ArchivedHunt:
    """What is known of a hunt once its archive was read."""

    file: Path
    """A zip with the hunt's record and nothing else, as it can be imported."""
    flows: tuple[Place, ...]
    """(client, flow) of its flows that are wanted back."""
    clients: frozenset[str]
    """Who has results in it, wanted or not."""


def parcels_of_hunt(
    context: Context,
    archive: Archive,
    taken: set[Place],
    hunts: dict[str, ArchivedHunt],
    expect: Callable[[int], None],
) -> Iterator[Parcel]:
    """Flows that only the hunt's own archive holds: those not in ``taken``, which grows.

    ``expect`` is told how many they are before the first one comes; the hunt itself is in
    ``hunts`` when the last one was taken. Raises like
    :func:`recovery.restore.parcel.parcel_of_flow`; before anything is given where the archive is
    not the hunt that the manifest says, or holds a flow of another org.
    """
    path, name = context.fetch(archive.file), archive.file.name
    try:
        with open_zip(path, name) as content:
            members = check_members(content, name)
            if (said := hunt_of(content, name)) != archive.hunt_id:
                raise BadInputError(
                    f"{name} holds the hunt {said}, not {archive.hunt_id}", hint=HINT
                )
            flows = flows_inside(content, name)
            for flow in flows:
                if wrong := wrong_flow(archive.org, *flow.place, context.manifest.orgs):
                    raise BadInputError(f"{name}: {wrong}", hint=HINT)
            wanted = [flow for flow in flows if context.choice.flow(flow.flow_id, flow.active_at)]
            fresh = {flow.place: flow for flow in reversed(wanted) if flow.place not in taken}
            expect(len(fresh))
            taken |= fresh.keys()
            items = by_folder(content)
            for number, flow in enumerate(reversed(fresh.values())):
                into = context.folder / f"{archive.file.sha256}.{number}.flow"
                # What the hunt's archive lacks is said of all of its flows, of none by name.
                yield parcel_inside(content, items[flow.folder], members, flow, into)
            alone = hunt_alone(content, context.folder / f"{archive.file.sha256}.hunt")
    finally:
        path.unlink(missing_ok=True)
    hunts[archive.hunt_id] = ArchivedHunt(
        alone,
        tuple(flow.place for flow in wanted),
        frozenset(flow.client_id for flow in flows),
    )
