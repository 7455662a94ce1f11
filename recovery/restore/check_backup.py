"""Can a backup be understood, in all that is read of it? Known before anything is changed."""

import zipfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from recovery.errors import BadInputError
from recovery.restore.check_zip import NEXT, check_zip
from recovery.restore.restore_backup import restorable
from recovery.vault.check_names import is_hunt
from recovery.velociraptor.backup_file import artifacts_of, orgs_in
from recovery.velociraptor.json_rows import rows_of
from recovery.velociraptor.records import why

_WRONG = (ValueError, TypeError, KeyError, AttributeError, zipfile.BadZipFile, zlib.error)


def check_backup(path: Path, name: str) -> None:
    """A whole, harmless zip (:func:`check_zip`), whose rows are those of a backup.

    Rights are read where accounts are reviewed. Raises :class:`BadInputError`.
    """
    check_zip(path, name)
    check_rows(path, name)


def check_rows(path: Path, name: str) -> None:
    """The same of a zip that is whole. Raises :class:`BadInputError`."""
    with zipfile.ZipFile(path) as archive:
        for org in orgs_in(archive):
            for part, read in _READERS.items():
                try:
                    read(archive, org)
                except _WRONG as wrong:
                    raise BadInputError(
                        f"{name}: orgs/{org}/{part}.json can't be understood: {why(wrong)}",
                        hint=NEXT,
                    ) from wrong


def _read_hunts(archive: zipfile.ZipFile, org: str) -> None:
    for row in rows_of(archive, f"orgs/{org}/hunts.json"):
        if not is_hunt(str(restorable(row)["hunt_id"])):
            raise ValueError(f"no id of a hunt: {row['hunt_id']!r}")


def _read_artifacts(archive: zipfile.ZipFile, org: str) -> None:
    for _, _, metadata in artifacts_of(archive, org):
        _ = [str(tag) for tag in metadata.get("tags") or []]


def _objects_of(part: str) -> Callable[[zipfile.ZipFile, str], None]:
    def read(archive: zipfile.ZipFile, org: str) -> None:
        if not _are_objects(archive, f"orgs/{org}/{part}.json"):
            raise ValueError("a row of it is no object")

    return read


def _are_objects(archive: zipfile.ZipFile, member: str) -> bool:
    """Apart from who raises: an error that keeps rows half read would keep the zip open."""
    rows: Iterable[Any] = rows_of(archive, member)
    return all(isinstance(row, dict) for row in rows)


_READERS: dict[str, Callable[[zipfile.ZipFile, str], None]] = {
    "hunts": _read_hunts,
    "custom_artifacts": _read_artifacts,
    "client_info": _objects_of("client_info"),
    "notebooks": _objects_of("notebooks"),
}
