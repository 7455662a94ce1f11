"""The export zips that a capture has the server make: apart from anyone else's, and gone after.

Ours have a prefix of their own, so that neither a person's exports nor those of another
capture under way are touched. A flow's sidecar, however, has one fixed name whatever the
zip's: one that was there before is put back afterwards.
"""

import secrets
import time
from collections.abc import Sequence

from recovery.capture.datastore_files import folder_argv, parse_listing
from recovery.target import Target

_PREFIX = "recovery-"
_STALE = 2 * 86400.0
_SECONDS = 600.0
_SAVE = r"""
cd -- "$1" && token="$2" xargs -0 sh -c '
for d; do for s in "$d"/*.json.db; do [ ! -e "$s" ] || cp -p -- "$s" "$s.$token"; done; done' save
"""
# One process for hundreds of folders: a process a file would take longer than the exports.
_REMOVE = r"""
cd -- "$1" && token="$2" xargs -0 sh -c '
find "$@" -maxdepth 1 -type f \( -name "$token*" -o -name "*.json.db" \) -delete
rmdir -- "$@" 2>/dev/null
for d; do shift; set -- "$@" "${d%/*}"; done
rmdir -- "$@" 2>/dev/null; :' remove
"""
_PUT_BACK = r"""
cd -- "$1" && token="$2" xargs -0 sh -c '
for d; do
  rm -f -- "$d/$token"*
  for s in "$d"/*.json.db; do
    if [ -e "$s.$token" ]; then mv -f -- "$s.$token" "$s"; else rm -f -- "$s"; fi
  done
done; :' put_back
"""
# A real server writes a hunt's sidecar once more after its export is said to be ready.
_SWEEP = r"""
cd -- "$1" && for d in downloads orgs/*/downloads; do
  [ ! -d "$d" ] || find "$d" -type f -name "$2*" -delete
done; :
"""
_REMOVE_STALE = 'cd -- "$1" && xargs -0 rm -f --'


class ServerDownloads:
    """Paths are relative to ``files``, the file store. Every zip of ours begins with ``token``."""

    def __init__(self, target: Target, files: str) -> None:
        self.token = f"{_PREFIX}{secrets.token_hex(4)}-"
        self._target = target
        self._files = files
        listing = target.run(folder_argv(files, "downloads", ".zip"), timeout=_SECONDS)
        zips = parse_listing(listing.stdout)
        ours = [file for file in zips if _name(file.path).startswith(_PREFIX)]
        # A sidecar without a person's zip beside it is another capture's.
        self._busy = {_folder(file.path) for file in zips if file not in ours}
        old = [file.path for file in ours if file.changed < time.time() - _STALE]
        self._each(_REMOVE_STALE, old)

    def save_sidecars(self, folders: Sequence[str]) -> None:
        """Keeps a copy of the sidecars in these folders, before the server writes its own."""
        self._each(_SAVE, [folder for folder in folders if folder in self._busy])

    def remove(self, paths: Sequence[str]) -> None:
        """Removes our zips with their sidecars, and folders that are empty then."""
        folders = list(dict.fromkeys(_folder(path) for path in paths))
        self._each(_PUT_BACK, [folder for folder in folders if folder in self._busy])
        self._each(_REMOVE, [folder for folder in folders if folder not in self._busy])

    def sweep(self) -> None:
        """Removes what the server wrote under our names after their removal."""
        argv = ["sh", "-c", _SWEEP, "sweep", self._files, self.token]
        self._target.run(argv, timeout=_SECONDS)

    def _each(self, script: str, paths: Sequence[str]) -> None:
        if paths:
            listed = "".join(f"{path}\0" for path in paths).encode("utf-8", "surrogateescape")
            argv = ["sh", "-c", script, "each", self._files, self.token]
            self._target.run(argv, stdin=listed, timeout=_SECONDS)


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _folder(path: str) -> str:
    return path.rpartition("/")[0]
