"""What a server hands out to endpoints: its tools, and the files below ``public/``.

Tools of every org have their files in the root org's folder (read in the server's source); an
operator's own, and files given as parameters of a collection, lie there too.
"""

import re

from recovery.errors import ServerError
from recovery.target import Target
from recovery.velociraptor.inventory import Entries

FOLDER = "public"
_PATH = re.compile(r"public(?:/(?!\.{1,2}(?:/|$))[^/\\\x00-\x1f\x7f]+)+")
_TRIES = 3
_SCRIPT = (
    'cd -- "$1" || exit 3; [ -d "$2" ] || exit 0; '
    'find "$2" -type f -print0 | xargs -0 -r nice sha256sum -z --'
)
_HASH = 64


def is_served(path: str) -> bool:
    """Whether a path below the datastore is one of a file that is handed out."""
    return _PATH.fullmatch(path) is not None


def served_entries(target: Target, datastore: str) -> Entries:
    """``path`` below the folder → digest of the content; tried again when a file goes meanwhile.

    Raises :class:`ServerError` when a file can't be read: what was not looked at is never taken
    for missing.
    """
    argv = ["bash", "-o", "pipefail", "-c", _SCRIPT, "served", datastore, FOLDER]
    for _ in range(_TRIES):
        done = target.run(argv, check=False, timeout=1800)
        if done.returncode == 0:
            return parse_digests(done.stdout)
    raise ServerError(
        f"the files below {FOLDER}/ can't be read: {done.error_text}",
        step="take the inventory",
        target=target.uri,
        hint="nothing was changed; look at the folder on the server",
    )


def parse_digests(output: bytes) -> Entries:
    """What ``sha256sum -z`` printed; a digest is shortened like every other."""
    lines = output.decode("utf-8", "backslashreplace").split("\0")
    return {
        line[_HASH + 2 :].removeprefix(f"{FOLDER}/"): line[:16] for line in lines if line.strip()
    }
