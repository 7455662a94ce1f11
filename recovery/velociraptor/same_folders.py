"""A hunt's export in which one client's flows share a folder: told apart, in memory alone.

A server names a flow's folder in a hunt's export after the client. Where a hunt was run on a
client once more, or a flow was added to it by hand, the flows lie in one folder, one after the
other, with the same names (seen on 0.77.2, ``hunt_add(relaunch=TRUE)``).
"""

import zipfile
from collections import defaultdict

HUNT_INFO = "hunt_info.json"
_FIRST = ("client_info.json", "collection_context.json")
"""What a server writes first of a flow (read in its source)."""
_COMBINED = ("results", "uploads")


def tell_apart(archive: zipfile.ZipFile) -> None:
    """Renames the members of each further flow in a folder, as if it had a folder of its own.

    What is not a hunt's export, and any other name that comes twice, stays as it is.
    """
    members = archive.infolist()
    if len(members) == len(archive.NameToInfo) or HUNT_INFO not in archive.NameToInfo:
        return
    taken = {member.filename.partition("/")[0] for member in members}
    rounds: dict[str, int] = defaultdict(int)
    seen: dict[str, set[str]] = defaultdict(set)
    names: dict[str, str] = {}
    for member in members:
        folder, slash, rest = member.filename.partition("/")
        if not slash or folder in _COMBINED:
            continue
        if rest in _FIRST and rest in seen[folder]:
            seen[folder] = set()
            rounds[folder] += 1
            names[folder] = _free(folder, rounds[folder] + 1, taken)
        seen[folder].add(rest)
        if folder in names:
            member.filename = f"{names[folder]}/{rest}"
    archive.NameToInfo = {member.filename: member for member in members}


def _free(folder: str, number: int, taken: set[str]) -> str:
    name = f"{folder} ({number})"
    while name in taken:
        name += "_"
    taken.add(name)
    return name
