"""The client lists of a running server as its memory has them, in the form that its disk takes.

A server writes them late (facts: client_info_write_time), and knows no call that writes them now.
Its own backup holds them as they are; here they are made into the files of the datastore.
"""

from datetime import UTC, datetime

from recovery.capture.copy_datastore import fresh_lists
from recovery.capture.list_collections import list_orgs
from recovery.capture.options import CaptureOptions
from recovery.capture.point_name import point_name
from recovery.capture.scene import CaptureScene
from recovery.capture.take_backups import take_backups
from recovery.target import Target
from recovery.vault.store import Vault
from recovery.velociraptor.api import Api
from recovery.velociraptor.config import ServerConfig

_DISK = """cd -- "$1" || exit 3
for f in client_info/snapshot.json orgs/*/client_info/snapshot.json; do
  [ -f "$f" ] || continue
  [ "$(stat -c %.9Y "$f" | tr -d .)" -gt "$2" ] || continue
  for p in "$f" "$f.index"; do
    [ ! -f "$p" ] || { printf '%s\\0%s\\0' "$p" "$(stat -c %s "$p")"; cat "$p"; }
  done
done
"""


def memory_lists(
    target: Target, api: Api, config: ServerConfig, vault: Vault, gaps: list[str]
) -> dict[str, bytes]:
    """Path in the datastore → content, of every org's list and its index.

    What was made on the server for it is removed again. An org whose list could not be had is
    a gap, and not among them. Raises :class:`recovery.errors.ServerError`.
    """
    scene = CaptureScene(
        target=target,
        api=api,
        config=config,
        options=CaptureOptions(strategy=["redeploy", "state"]),
        orgs=list(list_orgs(api)),
        say=lambda _line: None,
        gaps=gaps,
        vault=vault,
        point=point_name(datetime.now(UTC)),
    )
    return fresh_lists(scene, take_backups(scene).clients)


def disk_lists(target: Target, datastore: str, newer_than: int = 0) -> dict[str, bytes]:
    """The same from the disk: current on a server that was stopped cleanly.

    ``newer_than``: nanoseconds since 1970 on the machine's own clock; a list that was written
    earlier is left out. A server that crashed has lists that are older than a copy of its memory.
    """
    argv = ["sh", "-c", _DISK, "lists", datastore, str(newer_than)]
    raw = target.run(argv, timeout=600).stdout
    found = {}
    while raw:
        path, size, raw = raw.split(b"\0", 2)
        found[path.decode()], raw = raw[: int(size)], raw[int(size) :]
    return found
