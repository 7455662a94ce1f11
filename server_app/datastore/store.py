"""One org's folders on disk: records, plain files, and refusal to write when the disk is full.

Records (`.db`) lie below the datastore's location, everything else below the file store's folder;
most configs name one folder for both (seen on a real server: Datastore.filestore_directory).

Writes go to a temporary name beside the target and are renamed, so a reader (or a copy of a
running server) never sees half a record. Files are 0600, folders 0700, owned by the running user.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from server_app.datastore import folders, names, records

WIRE, JSON = ".db", ".json.db"
_MEGABYTE = 1024 * 1024


class DiskFullError(OSError):
    """Under the minimum of free space: nothing was written (facts: disk full)."""


class Store:
    """`root` has the records, `files` the rest; paths are given as components, without slashes."""

    def __init__(
        self, root: Path, *, files: Path | None = None, minimum_free_megabytes: int = 50
    ) -> None:
        self.root = root
        self.files = files or root
        self.minimum_free_megabytes = minimum_free_megabytes
        self.full = False
        """Did the last measurement find too little space?"""

    def path(self, *components: str, suffix: str = "") -> Path:
        """Where these components lie on disk."""
        top = self.root if suffix.endswith(WIRE) else self.files
        return Path(self._place(components, top) + suffix)

    def _place(self, components: tuple[str, ...], top: Path) -> str:
        """The same as text: a listing reads thousands of records, and a Path takes its time."""
        for part in components:
            if part in {"", ".", ".."}:
                raise ValueError(f"not a datastore path: {components}")
        return "/".join([str(top), *map(names.encode, components)])

    def below(self, *components: str) -> list[Path]:
        """Every file in a folder and deeper, records too, in order."""
        tops = {Path(self._place(components, top)): None for top in (self.root, self.files)}
        return [path for top in tops for path in sorted(top.rglob("*")) if path.is_file()]

    def shown(self, path: Path) -> str:
        """A file's path as a query shows it: with a slash, from its folder's top."""
        top = self.root if path.name.endswith(WIRE) else self.files
        return f"/{path.relative_to(top)}"

    def check_space(self) -> int:
        """Measures free megabytes; below the minimum all later writes are refused.

        A real server measures now and then, not at each write: what fills up in between goes
        unnoticed (facts: "Disk full: every row says success; the file has 0 bytes").
        """
        existing = next(p for p in (self.root, *self.root.parents) if p.exists())
        free = shutil.disk_usage(existing).free // _MEGABYTE
        self.full = free < self.minimum_free_megabytes
        return free

    def require_space(self) -> None:
        """Raises DiskFullError if the last measurement found too little space."""
        if self.full:
            raise DiskFullError("Insufficient disk space!")

    def write(self, path: Path, data: bytes) -> None:
        """Replaces a file as a whole. Raises DiskFullError, OSError."""
        self.require_space()
        folders.make(path.parent)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".tmp-")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise

    def save(self, kind: str, record: records.Record, *components: str) -> None:
        """Writes a record as JSON."""
        data = records.to_json(kind, record)
        self.write(self.path(*components, suffix=JSON), data)

    def save_wire(self, kind: str, record: records.Record, *components: str) -> None:
        """Writes a record in wire form (users, client keys, tasks)."""
        data = records.to_wire(kind, record)
        self.write(self.path(*components, suffix=WIRE), data)

    def load(self, kind: str, *components: str) -> records.Record | None:
        """Reads a record of either form; None if it is missing, empty or damaged."""
        place = self._place(components, self.root)
        for suffix in (JSON, WIRE):
            try:
                with open(place + suffix, "rb") as stream:  # noqa: PTH123  see _place
                    data = stream.read()
            except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
                continue
            if not data and suffix == JSON:
                return None
            try:
                return records.from_stored(kind, data)
            except records.RecordError:
                return None
        return None

    def exists(self, *components: str) -> bool:
        return any(self.path(*components, suffix=suffix).exists() for suffix in (JSON, WIRE))

    def remove(self, *components: str) -> None:
        for suffix in (JSON, WIRE):
            self.path(*components, suffix=suffix).unlink(missing_ok=True)

    def remove_tree(self, *components: str) -> None:
        for top in {self.root, self.files}:
            shutil.rmtree(self._place(components, top), ignore_errors=True)

    def record_names(self, *components: str) -> Iterator[str]:
        """Names of the records directly in a folder, sorted."""
        folder = Path(self._place(components, self.root))
        if not folder.is_dir():
            return
        found = set()
        for entry in os.scandir(folder):
            if entry.name.endswith(WIRE) and entry.is_file():
                found.add(names.decode(entry.name.removesuffix(WIRE).removesuffix(".json")))
        yield from sorted(found)
