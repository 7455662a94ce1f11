"""The `fs` accessor: an org's file store as queries may read it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from server_app.datastore import chunks, names

if TYPE_CHECKING:
    from server_app.services.org import OrgServices

_REFUSED = frozenset({"acl", "backups", "config", "orgs", "secrets", "users"})
"""What a real server's `fs` accessor refuses unless its config says otherwise."""


class Files:
    """Reads only; backups, configuration, users and rights are refused (facts: "backup() …")."""

    def __init__(self, org: OrgServices) -> None:
        self._org = org

    def real_path(self, path: str) -> Path:
        """Where a file lies on disk. Raises PermissionError for places that queries may not see."""
        components = [part for part in path.removeprefix("fs:").split("/") if part]
        if any(part in {".", ".."} for part in components):
            raise PermissionError("No access to filesystem path")
        if not components:
            return self._org.store.files
        if components[0] in _REFUSED:
            raise PermissionError("No access to filesystem path")
        return self._org.store.path(*components)

    def open(self, path: str) -> BinaryIO:
        """The plain content. Raises FileNotFoundError, PermissionError, OSError."""
        real = self.real_path(path)
        if chunks.read_index(real):
            try:
                return io.BytesIO(chunks.read(real))
            except EOFError as error:
                raise OSError(str(error)) from error
        return real.open("rb")

    def stat(self, path: str) -> dict[str, Any]:
        real = self.real_path(path)
        found = real.stat()
        is_folder = real.is_dir()
        size = found.st_size if is_folder else chunks.size(real)
        return {"Size": size, "IsDir": is_folder, "Mtime": found.st_mtime}

    def listdir(self, path: str) -> list[str]:
        """Names in a folder, without the records' files and the tables of compressed ones."""
        real = self.real_path(path)
        found = sorted(names.decode(entry.name) for entry in real.iterdir())
        at_root = real == self._org.store.files
        return [
            name
            for name in found
            if not name.endswith((".db", ".chunk")) and not (at_root and name in _REFUSED)
        ]
