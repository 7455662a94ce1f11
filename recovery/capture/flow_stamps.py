"""What tells whether a flow has changed since it was last asked for: the stamps of its files.

A flow's row is made of two files, its record and its statistics; a third lists its uploads
(facts: Datastore layout). Every write gives a file a new time of change (ctime), which nobody
sets by hand. One command reads them all, and the server isn't asked.
"""

import hashlib
import urllib.parse
from collections.abc import Mapping, Sequence

from recovery.capture.datastore_files import org_of
from recovery.target import Target

# Below clients/<id>/ only the folder of the flows is entered, and there not a flow's uploads.
_SEARCH = r"""
cd -- "$1" || exit 3
date +%s
set --
for d in clients orgs/*/clients; do [ ! -d "$d" ] || set -- "$@" "$d"; done
[ "$#" -gt 0 ] || exit 0
exec find -H "$@" -ignore_readdir_race -mindepth 2 -maxdepth 4 \
  ! -path '*/collections' ! -path '*/collections/*' -prune \
  -o -type f \( -name '*.json.db' -o -name uploads.json \) ! -name requests.json.db \
  -printf '%C@ %s %p\0'
"""
_SECONDS = 1800.0
_RECORD = b".json.db"
_FLOWS = b"/collections/"
_MONITORING = "F.Monitoring"
_SETTLED = 2.0

Stamps = Mapping[str, Mapping[str, str]]
"""Org → ``client/flow`` → stamp; empty for a flow whose files were changed just now."""


def read_stamps(target: Target, folders: Sequence[str]) -> Stamps:
    """The stamp of every flow that has a record on the disk, in every org.

    ``folders``: the datastore's, and the file store's where it is another one.
    """
    return parse_stamps(list_files(target, folders))


def list_files(target: Target, folders: Sequence[str]) -> bytes:
    """What the search prints in each of ``folders``, as if they were one."""
    listings = [target.run(stamps_argv(one), timeout=_SECONDS).stdout for one in folders]
    more = (listing.partition(b"\n")[2] for listing in listings[1:])
    return b"".join([listings[0], *more])


def stamps_argv(datastore: str) -> list[str]:
    """The argv that lists the files which stamps are made of; it fails rather than skip any."""
    return ["sh", "-c", _SEARCH, "stamps", datastore]


def parse_stamps(output: bytes) -> Stamps:
    """What the search prints: the server's time, then ``changed size path``, NUL-separated.

    Files that were changed within the last two seconds may be changed once more in the same
    tick of the clock, which no stamp would show: theirs says so by being empty.
    """
    now, _, listed = output.partition(b"\n")
    files: dict[bytes, list[bytes]] = {}
    recorded: set[bytes] = set()
    fresh: set[bytes] = set()
    for entry in listed.split(b"\0"):
        if not entry:
            continue
        changed, _, rest = entry.partition(b" ")
        _, _, path = rest.partition(b" ")
        folder, _, inside = path.partition(_FLOWS)
        name, within, _ = inside.partition(b"/")
        if not within and not name.endswith(_RECORD):
            continue
        flow = folder + _FLOWS + (name if within else name.removesuffix(_RECORD))
        if not within:
            recorded.add(flow)
        if float(changed) > float(now) - _SETTLED:
            fresh.add(flow)
        files.setdefault(flow, []).append(entry)
    stamps: dict[str, dict[str, str]] = {}
    for flow in recorded:
        text = flow.decode("utf-8", "surrogateescape")
        folder_name, _, name_on_disk = text.partition("/collections/")
        client, name_plain = _plain(folder_name.rpartition("/")[2]), _plain(name_on_disk)
        if name_plain != _MONITORING:
            stamp = "" if flow in fresh else _stamp(files[flow])
            stamps.setdefault(org_of(text), {})[f"{client}/{name_plain}"] = stamp
    return stamps


def _stamp(entries: list[bytes]) -> str:
    return hashlib.sha256(b"\0".join(sorted(entries))).hexdigest()[:16]


def _plain(name: str) -> str:
    """A part of a path as the server names it (its odd characters are ``%XX`` on the disk)."""
    return urllib.parse.unquote(name, errors="surrogateescape") if "%" in name else name
