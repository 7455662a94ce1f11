"""Clients whose results of a hunt are back don't run it again once it is released.

A server knows who took part by a file a client, ``hunt_index/<hunt>/<client>.db``, empty, the
hunt in small letters. State has them, a backup has not; and no import writes them. A client that
ran a hunt again wrote into its imported results, which could not be read any more (seen on a real
server: releasing sets a hunt's time of start anew, so that the client's own time of its last hunt
doesn't keep it away).
"""

import io
import tarfile
from collections.abc import Iterator, Sequence
from urllib.parse import quote

from recovery.restore.context import Context
from recovery.restore.journal import AT_WORK
from recovery.restore.parcel import flows_of_hunt
from recovery.vault.check_names import is_hunt, wrong_flow
from recovery.vault.manifest import Archive
from recovery.velociraptor.api import ROOT
from recovery.velociraptor.archive_file import hunt_of_flow
from recovery.velociraptor.config import OWNER

_PLACE = """set -e
exec 9>"$3"; flock -w 3000 9
umask 077
runuser -u "$2" -- tar -x -f - -C "$1" --no-same-permissions --skip-old-files
"""


def mark_took_part(context: Context, org: str, archives: Sequence[Archive]) -> None:
    """Notes on the machine which clients have results in the hunts of ``archives``."""
    inside = "" if org == ROOT else f"orgs/{org}/"
    marks = sorted(
        {
            f"{inside}hunt_index/{hunt.lower()}/{quote(client)}.db"
            for hunt, client in took_part(context, org, archives)
        }
    )
    if not marks:
        return
    into = context.folder / "took-part.tar"
    with tarfile.open(into, "w", format=tarfile.PAX_FORMAT) as out:
        for mark in marks:
            out.addfile(tarfile.TarInfo(mark), io.BytesIO())
    with into.open("rb") as stream:
        context.target.run(
            ["sh", "-c", _PLACE, "took-part", context.config.datastore, OWNER, AT_WORK],
            stdin=stream,
            timeout=600,
        )


def took_part(context: Context, org: str, archives: Sequence[Archive]) -> Iterator[tuple[str, str]]:
    """(hunt, client) of every flow of a hunt that an archive holds."""
    for archive in archives:
        if archive.kind == "hunt":
            for flow in flows_of_hunt(context, archive):
                if not wrong_flow(org, flow.client_id, flow.flow_id, context.manifest.orgs):
                    yield archive.hunt_id, flow.client_id
        elif is_hunt(hunt := hunt_of_flow(archive.flow_id)):
            yield hunt, archive.client_id
