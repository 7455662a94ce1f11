"""One copy of a running server's datastore, with the client list as it is in its memory.

Velociraptor locks nothing and a copy may be made at any time; but its client list reaches the
disk late (facts: client_info_write_time), and without it flows can't even be listed. So the
present list is written beside the datastore's files, in a folder of its own that goes into the
copy and is taken away again.
"""

import io
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass

from recovery.datastore.restic import Restic
from recovery.datastore.snapshots import host_of, tags_of

FRESH = ".velociraptor-recovery"
"""Folder in the datastore, root's own, that holds the fresh client lists by their usual paths."""
_PLACE = (
    'set -e; umask 077; rm -rf -- "$1/$2"; mkdir -- "$1/$2"; tar -x -f - -C "$1/$2" --no-same-owner'
)
_INCOMPLETE = 3


@dataclass(frozen=True)
class Copied:
    """What a copy holds (files, bytes), what of it was new, and what could not be read."""

    snapshot: str
    files: int
    bytes: int
    files_new: int
    bytes_added: int
    seconds: float
    incomplete: bool = False


def copy_datastore(
    restic: Restic, datastore: str, deployment: str, point: str, lists: Mapping[str, bytes]
) -> Copied:
    """Copies ``datastore`` incrementally. ``lists``: path in the datastore → fresh content.

    Raises :class:`recovery.errors.CommandError`; earlier copies are as they were.
    """
    target = restic.target
    bundle = io.BytesIO()
    with tarfile.open(fileobj=bundle, mode="w") as tar:
        for path, content in lists.items():
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(content), 0o600
            tar.addfile(entry, io.BytesIO(content))
    try:
        target.run(["sh", "-c", _PLACE, "place", datastore, FRESH], stdin=bundle.getvalue())
        words = ["backup", ".", "--host", host_of(deployment)]
        words += [word for tag in tags_of(deployment, point) for word in ("--tag", tag)]
        words += [
            "--exclude",
            f"{datastore}/temp",
            "--exclude",
            f"{datastore}/backups/recovery-*.zip",
        ]
        words += ["--exclude", f"{datastore}/orgs/*/backups/recovery-*.zip"]
        # A file that vanished or could not be read: restic's code 3, the rest is copied.
        told = list(restic.lines(words, folder=datastore, accept=_INCOMPLETE))
    finally:
        target.run(["rm", "-rf", "--", f"{datastore}/{FRESH}"], check=False)
    summary = next(line for line in reversed(told) if line.get("message_type") == "summary")
    return Copied(
        snapshot=str(summary["snapshot_id"]),
        files=int(summary["total_files_processed"]),
        bytes=int(summary["total_bytes_processed"]),
        files_new=int(summary["files_new"]) + int(summary["files_changed"]),
        bytes_added=int(summary["data_added"]),
        seconds=float(summary["total_duration"]),
        incomplete=any(line.get("message_type") == "error" for line in told),
    )
