"""Recovery points on a shelf: named by content, verified and opened on the way out."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from recovery.counts import things
from recovery.errors import BadInputError, VaultError
from recovery.vault import point_file
from recovery.vault.keys import VaultKeys
from recovery.vault.manifest import Archive, Manifest, StoredObject
from recovery.vault.marker import check_kind, no_point, write_marker
from recovery.vault.objects import Objects
from recovery.vault.partial import Partial
from recovery.vault.point_file import FOLDER, PointFile, path_of
from recovery.vault.seen import Seen
from recovery.vault.shelf import NotOnShelfError, Shelf


@dataclass(frozen=True)
class Listed:
    """A manifest on the shelf: readable (``file``), or why it isn't (``trouble``)."""

    point: str
    file: PointFile | None = None
    trouble: VaultError | None = None


class ShelfVault:
    """A vault on any shelf. ``keys`` None: neither sealed nor signed."""

    def __init__(self, shelf: Shelf, keys: VaultKeys | None = None) -> None:
        self.shelf = shelf
        self.uri = shelf.uri
        self.keys = keys
        self.seen = Seen(shelf.uri) if keys else None
        self._partial = Partial(shelf, keys)
        self._objects = Objects(shelf, keys)
        self._marked: bool | None = None
        self._newest: PointFile | None = None

    def object_names(self, item: StoredObject) -> Sequence[str]:
        """Where an object may lie (:meth:`Objects.names`)."""
        return self._objects.names(item)

    def put(self, source: IO[bytes], name: str) -> StoredObject:
        self._prepare_to_write()
        return self._objects.put(source, name)

    def holds(self, item: StoredObject) -> bool:
        return self._objects.holds(item)

    def fetch(self, item: StoredObject, into: Path) -> Path:
        return self._objects.fetch(item, into)

    def read(self, item: StoredObject) -> bytes:
        return self._objects.read(item)

    def commit(self, manifest: Manifest) -> None:
        self._objects.look_again()
        missing = [item.name for item in manifest.objects() if not self.holds(item)]
        if missing:
            raise VaultError(
                f"gone from the vault again: {things(len(missing), 'object')}, e.g. {missing[0]}",
                step="write the manifest",
                target=self.uri,
                hint="start the capture again; earlier recovery points are as they were",
            )
        self.shelf.settle()
        newest = next((entry.file for entry in self._newest_first() if entry.file), None)
        previous = f"{newest.manifest.point}:{newest.sha256}" if newest and self.keys else ""
        raw = point_file.encode(manifest, self._writing_keys(), previous)
        self.shelf.write(path_of(manifest.point), [raw])
        self.shelf.settle()
        if self.seen:
            self.seen.note(manifest.point, hashlib.sha256(raw).hexdigest(), manifest.captured_at)
        self._partial.forget()

    def points(self) -> list[Manifest]:
        return [entry.file.manifest for entry in self.list_points() if entry.file]

    def newest_first(self) -> Iterator[Manifest]:
        return (entry.file.manifest for entry in self._newest_first() if entry.file)

    def list_points(self) -> list[Listed]:
        """Every manifest on the shelf, the oldest first, good or not."""
        return [*self._newest_first()][::-1]

    def point(self, name: str = "") -> Manifest:
        known = self._point_names()
        if not name:
            self._refuse_rollback(known)
        chosen = name or (known[-1] if known else "")
        if chosen not in known:
            raise no_point(self.shelf, name, len(known))
        return self.read_point(chosen).manifest

    def refuse_rollback(self) -> None:
        self._refuse_rollback(self._point_names())

    def _refuse_rollback(self, known: Sequence[str]) -> None:
        if self.seen:
            self.seen.refuse_rollback(known)

    def read_point(self, name: str) -> PointFile:
        """A manifest, verified, opened, and compared with what this machine has seen before."""
        try:
            with self.shelf.read(path_of(name)) as stream:
                raw = stream.read()
        except NotOnShelfError as missing:
            raise VaultError(
                f"no recovery point {name!r}", step="read the vault", target=self.uri
            ) from missing
        found = self._decoded(raw, name)
        if self.seen:
            self.seen.compare(name, found.sha256, found.manifest.captured_at)
        self._objects.learn(found.name_key)
        return found

    def _decoded(self, raw: bytes, name: str) -> PointFile:
        """The newest one that was opened is kept: a capture asks for it first and last."""
        kept = self._newest
        if kept and (kept.manifest.point, kept.sha256) == (name, hashlib.sha256(raw).hexdigest()):
            return kept
        found = point_file.decode(raw, name, self.keys, self.uri)
        if kept is None or name >= kept.manifest.point:
            self._newest = found
        return found

    def remember(self, archives: Sequence[Archive]) -> None:
        self._prepare_to_write()
        self._partial.write(archives)

    def remembered(self) -> list[Archive]:
        return self._partial.read()

    def _newest_first(self) -> Iterator[Listed]:
        """One manifest after the other: opening one of many archives takes its time."""
        for name in reversed(self._point_names()):
            try:
                yield Listed(name, file=self.read_point(name))
            except VaultError as refused:
                yield Listed(name, trouble=refused)

    def _point_names(self) -> list[str]:
        self._check_kind()
        names = (entry.name for entry in self.shelf.entries(FOLDER))
        return [Path(name).stem for name in names if name.endswith(".json")]

    def _writing_keys(self) -> VaultKeys | None:
        keys = self.keys
        if keys is None:
            return None
        for missing, what in (
            (not keys.recipients, "recipients.txt"),
            (not keys.catalog, "catalog.txt"),
            (not keys.signing, "signing.key"),
        ):
            if missing:
                raise BadInputError(
                    f"the keys here can't write to a sealed vault: there is no {what}",
                    target=self.uri,
                    hint="give the capturing host recipients.txt, catalog.txt and signing.key",
                )
        return keys

    def _check_kind(self) -> None:
        if self._marked is None:
            self._marked = check_kind(self.shelf, sealed=self.keys is not None)

    def _prepare_to_write(self) -> None:
        self._writing_keys()
        self._check_kind()
        if not self._marked:
            write_marker(self.shelf, sealed=self.keys is not None)
            self._marked = True
