"""One copy of a running server's datastore, with the client list as it is in its memory.

Velociraptor locks nothing and a copy may be made at any time; but its client list reaches the
disk late (facts: client_info_write_time), and without it flows can't even be listed. So the
present list is written beside the datastore's files, in a folder of its own that goes into the
copy and is taken away again.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from recovery.datastore.restic import Restic
from recovery.datastore.snapshots import host_of, tags_of
from recovery.small_tar import tar_of
from recovery.target.beside import Beside

FRESH = ".velociraptor-recovery"
"""Folder in the datastore, root's own, that holds the fresh client lists by their usual paths."""
# Restic takes half a second to derive its key. It does so while the lists are made, and then waits
# at the gate, a list of what to leave out that is read before any file is looked at. Its end takes
# lists and gate away.
_COPY = r"""set -u
umask 077
while IFS= read -r -d "" pair && [ -n "$pair" ]; do export "$pair"; done
ds=$1 fresh=$1/$2; shift 2
room=$(mktemp -d) || exit 77
trap 'rm -rf -- "$fresh" "$room"' EXIT
mkfifo -- "$room/gate" || exit 77
cd -- "$ds" && rm -rf -- "$fresh" && mkdir -- "$fresh" || exit 77
"$@" --exclude-file "$room/gate" < /dev/null & restic=$!
if tar -x -f - -C "$fresh" --no-same-owner; then
  : > "$room/gate" & gate=$!
  wait "$restic"; code=$?
  kill "$gate" 2>/dev/null
else
  # Again and again: at an interruption it takes its lock back, but it hears none at first.
  for _ in $(seq 50); do kill -INT "$restic" 2>/dev/null || break; sleep 0.2; done
  kill -KILL "$restic" 2>/dev/null
  wait "$restic"; code=77
fi
exit "$code"
"""
_INCOMPLETE = 3
"""Restic's exit code where something could not be read, or vanished; the rest is copied."""
_HOURS = 86400.0
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
    restic: Restic,
    datastore: str,
    deployment: str,
    point: str,
    lists: Callable[[], Mapping[str, bytes]],
) -> Copied:
    """Copies ``datastore`` incrementally. ``lists`` gives path in the datastore → fresh content.

    It is called while restic opens the repository; files are read once it has returned. Raises
    :class:`recovery.errors.CommandError`, and what ``lists`` raises; earlier copies are as they
    were.
    """
    words = ["backup", ".", "--host", host_of(deployment)]
    words += [word for tag in tags_of(deployment, point) for word in ("--tag", tag)]
    for left_out in ("temp", "backups/recovery-*.zip", "orgs/*/backups/recovery-*.zip"):
        words += ["--exclude", f"{datastore}/{left_out}"]
    # Quiet: sixty lines of progress a second have to be carried here otherwise.
    argv = restic.argv(["--json", "--quiet", *words])
    with Beside(lambda: tar_of(lists()), restic.secret_input + b"\0") as beside:
        done = restic.target.run(
            ["bash", "-c", _COPY, "copy", datastore, FRESH, *argv],
            stdin=beside.stream,
            timeout=_HOURS,
            check=False,
        )
    if beside.failed:
        # One that was interrupted while it made its lock leaves it: only dead ones' are taken away.
        restic.run(["unlock"], check=False)
        raise beside.failed
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
