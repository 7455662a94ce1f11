"""Which org an export is of, by the indexes that `recovery export` wrote beside them.

A hunt that no client took part in, and a collection on the server itself, say nothing of it. An
export is known by its content: its file may have been renamed, or moved.
"""

import json
from collections.abc import Iterable
from pathlib import Path

from recovery.capture.export_only import INDEX
from recovery.file_hash import sha256_of
from recovery.vault.check_names import is_org

_LARGEST = 1 << 30


class IndexedOrgs:
    """The orgs that the indexes among ``files`` name; what is none of ours tells nothing."""

    def __init__(self, files: Iterable[Path]) -> None:
        self._orgs: dict[tuple[int, str], str] = {}
        for path in files:
            if path.name == INDEX and path.stat().st_size < _LARGEST:
                self._read(path)
        self._sizes = {size for size, _ in self._orgs}

    def _read(self, path: Path) -> None:
        try:
            for entry in json.loads(path.read_bytes())["archives"]:
                if is_org(str(entry["org"])):
                    self._orgs[int(entry["size"]), str(entry["sha256"])] = str(entry["org"])
        except (ValueError, LookupError, TypeError, RecursionError):
            return

    def of(self, path: Path) -> str:
        """Empty when no index has the file; it is read only where one has its size."""
        size = path.stat().st_size
        return self._orgs.get((size, sha256_of(path)), "") if size in self._sizes else ""
