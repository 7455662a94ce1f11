"""Clients whose results of a hunt are back don't run it again once it is released.

A server knows who took part by a file a client, ``hunt_index/<hunt>/<client>.db``, empty, the
hunt in small letters. State has them, a backup has not; and no import writes them. A client that
ran a hunt again wrote into its imported results, which could not be read any more (seen on a real
server: releasing sets a hunt's time of start anew, so that the client's own time of its last hunt
doesn't keep it away).
"""

from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import quote

from recovery.restore.archived_hunts import ArchivedHunt
from recovery.restore.context import Context
from recovery.restore.place_as_server import place_as_server
from recovery.small_tar import tar_of
from recovery.vault.check_names import is_hunt
from recovery.vault.manifest import Archive
from recovery.velociraptor.api import ROOT
from recovery.velociraptor.archive_file import hunt_of_flow
from recovery.velociraptor.portions import portions

Part = tuple[str, str]
"""(hunt, client)."""


def mark_took_part(
    context: Context, org: str, hunts: Mapping[str, ArchivedHunt], archives: Sequence[Archive]
) -> None:
    """Notes on the machine which clients have results in hunts, by their and by flows' archives."""
    inside = "" if org == ROOT else f"orgs/{org}/"
    marks = sorted(
        f"{inside}hunt_index/{hunt.lower()}/{quote(client)}.db"
        for hunt, client in {*took_part(hunts, archives)}
    )
    for some in portions(marks):  # a tar of them has ten times their bytes
        place_as_server(context, tar_of(dict.fromkeys(some, b"")))


def took_part(hunts: Mapping[str, ArchivedHunt], archives: Sequence[Archive]) -> Iterator[Part]:
    """Who has a flow of a hunt in an archive. Pure."""
    for hunt_id, hunt in hunts.items():
        for client in hunt.clients:
            yield hunt_id, client
    for archive in archives:
        if is_hunt(hunt_id := hunt_of_flow(archive.flow_id)):
            yield hunt_id, archive.client_id
