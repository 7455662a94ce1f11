"""Which files of a datastore are state: found by one command, sorted by org."""

from collections.abc import Sequence
from dataclasses import dataclass

from recovery.velociraptor.api import ROOT
from recovery.velociraptor.state_paths import is_state

# Below clients/<id>/ and in these folders nothing is state: the search doesn't enter them.
_SEARCH = r"""
cd -- "$1" || exit 3
exec find . -mindepth 1 -regextype posix-extended \
  -type d -regex '\./(orgs/[^/]+/)?(clients/[^/]+/[^/]+|downloads|backups|temp|public)' -prune \
  -o -type d -regex '\./(orgs/[^/]+/)?(server_artifacts|server_artifact_logs)' -prune \
  -o -type f -printf '%s %T@ %P\0'
"""


@dataclass(frozen=True)
class StoredFile:
    """A file in the datastore: path relative to it, size in bytes, time of change (epoch s)."""

    path: str
    size: int
    changed: float


def state_argv(datastore: str) -> list[str]:
    """The argv that lists every file that could be state, NUL-separated."""
    return ["sh", "-c", _SEARCH, "list", datastore]


def folder_argv(datastore: str, folder: str, suffix: str) -> list[str]:
    """The argv that lists the files ending in ``suffix`` below ``folder`` of every org."""
    script = (
        'cd -- "$1" || exit 3; for d in "$2" orgs/*/"$2"; do [ ! -d "$d" ] || '
        'find "$d" -type f -name "*$3" -printf "%s %T@ $d/%P\\0"; done'
    )
    return ["sh", "-c", script, "list", datastore, folder, suffix]


def parse_listing(output: bytes) -> list[StoredFile]:
    """What the listings print."""
    found = []
    for entry in output.decode("utf-8", "surrogateescape").split("\0"):
        if entry:
            size, changed, path = entry.split(" ", 2)
            found.append(StoredFile(path, int(size), float(changed)))
    return found


def org_of(path: str) -> str:
    """The org that a file belongs to; the orgs' own records belong to the root org."""
    first, _, rest = path.partition("/")
    org, _, inside = rest.partition("/")
    return org if first == "orgs" and inside else ROOT


def org_folder(org: str) -> str:
    """An org's part of the datastore, empty or with a slash at its end."""
    return "" if org == ROOT else f"orgs/{org}/"


def choose_state(files: Sequence[StoredFile]) -> dict[str, list[StoredFile]]:
    """The state's files by org, each org's sorted by path, the root org first."""
    chosen: dict[str, list[StoredFile]] = {}
    for file in sorted(files, key=lambda file: file.path):
        if is_state(file.path):
            chosen.setdefault(org_of(file.path), []).append(file)
    return dict(sorted(chosen.items(), key=lambda pair: (pair[0] != ROOT, pair[0])))
