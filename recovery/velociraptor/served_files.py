"""What a server hands out to endpoints: its tools, and the files below ``public/``.

Tools of every org have their files in the root org's folder (read in the server's source); an
operator's own, and files given as parameters of a collection, lie there too.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from recovery.errors import ServerError
from recovery.target import Target
from recovery.velociraptor.inventory import Entries, digest

FOLDER = "public"
_PATH = re.compile(r"public(?:/(?!\.{1,2}(?:/|$))[^/\\\x00-\x1f\x7f]+)+")
_TRIES = 3
# Device and inode tell a file from another of its name; the time of change (ctime) can't be set.
_LIST = r"""cd -- "$1" || exit 3; date +%s; [ -d "$2" ] || exit 0
exec find "$2" -ignore_readdir_race -type f -printf '%s %T@ %C@ %D:%i %p\0'
"""
_HASHES = 'cd -- "$1" && xargs -0 -r nice sha256sum -z --'
_HASH = 64
_SHORT = 16
_SETTLED = 2.0
"""So many seconds after a change a file's stamp tells of the next one (flow_stamps.py)."""


@dataclass(frozen=True)
class Served:
    """A file in the folder: its path below the datastore, size in bytes, time of change (epoch s).

    ``stamp``: another after every write; empty for a file that was changed just now.
    """

    path: str
    size: int
    changed: float
    stamp: str


Known = Callable[[Served], str | None]
"""The SHA-256 of a file's content, for one that need not be read to know it."""


def is_served(path: str) -> bool:
    """Whether a path below the datastore is one of a file that is handed out."""
    return _PATH.fullmatch(path) is not None


def list_served(target: Target, files: str) -> list[Served]:
    """The files below the folder, in the file store ``files``."""
    return parse_list(target.run(_list_argv(files), timeout=600).stdout)


def _list_argv(files: str) -> list[str]:
    return ["sh", "-c", _LIST, "list", files, FOLDER]


def parse_list(output: bytes) -> list[Served]:
    """What the listing prints: the server's time, then a NUL-ended entry for each file. Pure."""
    now, _, entries = output.decode("utf-8", "surrogateescape").partition("\n")
    found = []
    for entry in filter(None, entries.split("\0")):
        size, changed, ctime, inode, path = entry.split(" ", 4)
        fresh = float(ctime) > float(now) - _SETTLED
        stamp = "" if fresh else digest([size, changed, ctime, inode])
        found.append(Served(path, int(size), float(changed), stamp))
    return found


def served_entries(target: Target, files: str, known: Known = lambda _file: None) -> Entries:
    """``path`` below the folder → digest of the content; tried again when a file goes meanwhile.

    Files that ``known`` knows aren't read: gigabytes take a processor many seconds. Raises
    :class:`ServerError` when a file can't be read: what was not looked at is never taken for
    missing.
    """
    for _ in range(_TRIES):
        done = target.run(_list_argv(files), check=False, timeout=600)
        if done.returncode:
            continue
        told = {file.path: known(file) for file in parse_list(done.stdout)}
        kept = {_below(path): sha256[:_SHORT] for path, sha256 in told.items() if sha256}
        unread = "\0".join(path for path, sha256 in told.items() if sha256 is None)
        if not unread:
            return kept
        names = unread.encode("utf-8", "surrogateescape")
        argv = ["bash", "-c", _HASHES, "served", files]
        done = target.run(argv, stdin=names, check=False, timeout=1800)
        if done.returncode == 0:
            return parse_digests(done.stdout) | kept
    raise ServerError(
        f"the files below {FOLDER}/ can't be read: {done.error_text}",
        step="take the inventory",
        target=target.uri,
        hint="nothing was changed; look at the folder on the server",
    )


def parse_digests(output: bytes) -> Entries:
    """What ``sha256sum -z`` printed; a digest is shortened like every other."""
    lines = output.decode("utf-8", "surrogateescape").split("\0")
    return {_below(line[_HASH + 2 :]): line[:_SHORT] for line in lines if line.strip()}


def _below(path: str) -> str:
    """A path as an inventory has it: printable, whatever its bytes are."""
    plain = path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return plain.removeprefix(f"{FOLDER}/")
