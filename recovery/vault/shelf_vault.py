"""Recovery points on a shelf: named by content, verified and opened on the way out."""

import hashlib
import io
import os
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from recovery.counts import things
from recovery.errors import BadInputError, UntrustedError, VaultError
from recovery.vault import point_file
from recovery.vault.age_file import Piece, seal_pieces
from recovery.vault.identity import Identity
from recovery.vault.keys import VaultKeys, object_name
from recovery.vault.manifest import Archive, Manifest, StoredObject
from recovery.vault.marker import check_kind, no_point, write_marker
from recovery.vault.partial import Partial
from recovery.vault.point_file import FOLDER, PointFile, path_of
from recovery.vault.seal import NotOpenedError, blocks, fits, opened
from recovery.vault.seen import Seen
from recovery.vault.shelf import NotOnShelfError, Shelf

_BIG = 64 << 20
_OBJECTS = "objects"
_EVIDENCE = "use another recovery point (`recovery points list`); keep this one as evidence"


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
        self._name_keys = [keys.name_key] if keys and keys.catalog else []
        self._paths: dict[str, tuple[str, ...]] = {}
        self._sizes: dict[str, int] | None = None
        self._marked: bool | None = None
        self._newest: PointFile | None = None

    def object_names(self, item: StoredObject) -> Sequence[str]:
        """Where an object may lie: one place in an unsealed vault, one a name key otherwise."""
        if self.keys is None:
            return [_object_path(item.sha256)]
        keys = self._name_keys
        known = self._paths.get(item.sha256, ())
        if len(known) < len(keys):  # a manifest just opened may bring another key
            known = tuple(_object_path(object_name(key, item.sha256)) for key in keys)
            self._paths[item.sha256] = known
        return known

    def put(self, source: IO[bytes], name: str) -> StoredObject:
        self._prepare_to_write()
        source.seek(0, os.SEEK_END)
        big = source.tell() >= _BIG
        source.seek(0)
        identity = Identity()
        if self.shelf.names_late and big:
            # Hashed while it is written: big content is read once.
            with closing(identity.passed(source)) as content:
                size = self.shelf.write_as(
                    lambda: self.object_names(identity.of(name))[0], self._as_stored(content)
                )
            item = identity.of(name)
        else:
            for _ in identity.passed(source):
                pass
            item = identity.of(name)
            if self.holds(item):
                return item
            source.seek(0)
            size = self.shelf.write(self.object_names(item)[0], self._as_stored(blocks(source)))
        self._known()[self.object_names(item)[0]] = size
        if not self._whole(item, size):
            raise VaultError(
                f"{name} changed while it was stored",
                step="vault",
                target=self.uri,
                hint="start the capture again; earlier recovery points are as they were",
            )
        return item

    def holds(self, item: StoredObject) -> bool:
        """Whether the object is there, in its right size."""
        known = self._known()
        sizes = (known.get(path) for path in self.object_names(item))
        return any(size is not None and self._whole(item, size) for size in sizes)

    def fetch(self, item: StoredObject, into: Path) -> Path:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        try:
            with os.fdopen(os.open(into, flags, 0o600), "wb") as out:
                self._copy(item, out)
        except VaultError:
            into.unlink(missing_ok=True)
            raise
        except OSError as refused:
            into.unlink(missing_ok=True)
            raise VaultError(
                f"can't write {into}: {refused.strerror}",
                step="read the vault",
                target=self.uri,
                hint="make space in the folder for temporary files (TMPDIR)",
            ) from refused
        return into

    def read(self, item: StoredObject) -> bytes:
        out = io.BytesIO()
        try:
            self._copy(item, out)
        except OSError as refused:
            raise self._refused(item, f"it can't be read ({refused.strerror})") from refused
        return out.getvalue()

    def _copy(self, item: StoredObject, out: IO[bytes]) -> None:
        """No more than a piece beyond what the manifest says, whatever the vault holds."""
        identity = Identity()
        try:
            with (
                self._opened(item) as pieces,
                closing(identity.watched(pieces)) as watched,
            ):
                for piece in watched:
                    out.write(piece)
                    if out.tell() > item.size:
                        break
        except NotOpenedError as refused:
            raise self._refused(item, f"it can't be opened ({refused})") from refused
        if identity.of(item.name) != item:
            raise self._refused(item, "its hash differs from the manifest's")

    def commit(self, manifest: Manifest) -> None:
        self._sizes = None  # what another capture or the retention did meanwhile counts
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
            self.seen.note(manifest.point, hashlib.sha256(raw).hexdigest())
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
        if not name and self.seen:
            self.seen.refuse_rollback(known)
        chosen = name or (known[-1] if known else "")
        if chosen not in known:
            raise no_point(self.shelf, name, len(known))
        return self.read_point(chosen).manifest

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
            self.seen.compare(name, found.sha256)
        if found.name_key and found.name_key not in self._name_keys:
            self._name_keys.append(found.name_key)
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

    def _known(self) -> dict[str, int]:
        if self._sizes is None:
            self._sizes = {entry.name: entry.size for entry in self.shelf.entries(_OBJECTS)}
        return self._sizes

    def _whole(self, item: StoredObject, size: int) -> bool:
        return size == item.size if self.keys is None else fits(size, item.size)

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

    @contextmanager
    def _opened(self, item: StoredObject) -> Iterator[Iterator[bytes]]:
        for path in self.object_names(item):
            if self.shelf.size(path) is None:
                continue
            with self.shelf.read(path) as stored:
                if self.keys is None:
                    yield blocks(stored)
                    return
                if not self.keys.identities:
                    raise self._refused(item, "it is sealed, and there is no identity.txt here")
                yield opened(stored, self.keys.identities)
                return
        raise self._refused(item, "it is not there")

    def _as_stored(self, content: Iterator[bytes]) -> Iterator[Piece]:
        """What lies on the shelf for some content."""
        return content if self.keys is None else seal_pieces(content, self.keys.recipients)

    def _refused(self, item: StoredObject, why: str) -> UntrustedError:
        return UntrustedError(
            f"{item.name} (sha256 {item.sha256[:16]}…) is refused: {why}",
            step="read the vault",
            target=self.uri,
            hint=_EVIDENCE,
        )


def _object_path(name: str) -> str:
    return f"{_OBJECTS}/{name[:2]}/{name}"
