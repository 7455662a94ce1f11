"""One copy of a running server's datastore, with the client list as it is in its memory.

Velociraptor locks nothing and a copy may be made at any time; but its client list reaches the
disk late (facts: client_info_write_time), and without it flows can't even be listed. So the
present list is written beside the datastore's files, in a folder of its own that goes into the
copy and is taken away again.
"""

import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from recovery.datastore.restic import Restic
from recovery.datastore.snapshots import host_of, tags_of

FRESH = ".velociraptor-recovery"
"""Folder in the datastore, root's own, that holds the fresh client lists by their usual paths."""
_PLACE = (
    'set -e; umask 077; rm -rf -- "$1/$2"; mkdir -- "$1/$2"; tar -x -f - -C "$1/$2" --no-same-owner'
)
_INCOMPLETE = 3
"""Restic's exit code where something could not be read, or vanished; the rest is copied."""
_GONE = 2
"""ENOENT."""


@dataclass(frozen=True)
class Copied:
    """What a copy holds (files, bytes), what of it was new, and what could not be read."""

    snapshot: str
    files: int
    bytes: int
    files_new: int
    bytes_added: int
    seconds: float
    unread: tuple[str, ...] = ()
    """What could not be read, by path; a file that vanished meanwhile is none of them."""


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
        # Quiet: sixty lines of progress a second have to be carried here otherwise.
        done = restic.run(["--json", "--quiet", *words], folder=datastore, check=False)
    finally:
        target.run(["rm", "-rf", "--", f"{datastore}/{FRESH}"], check=False)
    if done.returncode not in (0, _INCOMPLETE):
        raise restic.failure("backup", done)
    summary = next(line for line in messages(done.stdout) if line["message_type"] == "summary")
    return Copied(
        snapshot=str(summary["snapshot_id"]),
        files=int(summary["total_files_processed"]),
        bytes=int(summary["total_bytes_processed"]),
        files_new=int(summary["files_new"]) + int(summary["files_changed"]),
        bytes_added=int(summary["data_added"]),
        seconds=float(summary["total_duration"]),
        unread=unread(done.stderr) if done.returncode else (),
    )


def messages(output: bytes) -> Iterator[dict[str, Any]]:
    """Restic's JSON lines of either stream that have a type."""
    for line in output.splitlines():
        if line.startswith(b"{"):
            told = json.loads(line)
            if "message_type" in told:
                yield told


def unread(errors: bytes) -> tuple[str, ...]:
    """Paths of restic's errors (its standard error), without those that vanished. Pure."""
    found = []
    for told in messages(errors):
        error = told.get("error") or {}
        gone = error.get("Err") == _GONE or "no such file" in str(error.get("message", ""))
        if told["message_type"] == "error" and not gone:
            found.append(str(told.get("item", "a file that restic doesn't name")))
    return tuple(found)
