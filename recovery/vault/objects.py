"""A vault's objects on its shelf: named by content, sealed by its keys, checked on the way out."""

import io
import os
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO

from recovery.errors import UntrustedError, VaultError
from recovery.vault.age_file import Piece, seal_pieces
from recovery.vault.identity import Identity
from recovery.vault.keys import VaultKeys, object_name
from recovery.vault.manifest import StoredObject
from recovery.vault.seal import NotOpenedError, blocks, fits, opened
from recovery.vault.shelf import Shelf

FOLDER = "objects"
_BIG = 64 << 20
_EVIDENCE = "use another recovery point (`recovery points list`); keep this one as evidence"


class Objects:
    """The objects on ``shelf``. ``keys`` None: neither sealed nor named by a keyed hash.

    :class:`recovery.vault.store.Vault` tells what each call does.
    """

    def __init__(self, shelf: Shelf, keys: VaultKeys | None) -> None:
        self._shelf = shelf
        self._keys = keys
        self._name_keys = [keys.name_key] if keys and keys.catalog else []
        self._paths: dict[str, tuple[str, ...]] = {}
        self._sizes: dict[str, int] | None = None

    def learn(self, name_key: bytes) -> None:
        """A key of objects' names, as a manifest brings it."""
        if name_key and name_key not in self._name_keys:
            self._name_keys.append(name_key)

    def look_again(self) -> None:
        """What another capture or the retention did meanwhile counts."""
        self._sizes = None

    def names(self, item: StoredObject) -> Sequence[str]:
        """Where an object may lie: one place in an unsealed vault, one a name key otherwise."""
        if self._keys is None:
            return [_object_path(item.sha256)]
        keys = self._name_keys
        known = self._paths.get(item.sha256, ())
        if len(known) < len(keys):  # a manifest just opened may bring another key
            known = tuple(_object_path(object_name(key, item.sha256)) for key in keys)
            self._paths[item.sha256] = known
        return known

    def put(self, source: IO[bytes], name: str) -> StoredObject:
        source.seek(0, os.SEEK_END)
        big = source.tell() >= _BIG
        source.seek(0)
        identity = Identity()
        if self._shelf.names_late and big:
            # Hashed while it is written: big content is read once.
            with closing(identity.passed(source)) as content:
                size = self._shelf.write_as(
                    lambda: self.names(identity.of(name))[0], self._as_stored(content)
                )
            item = identity.of(name)
        else:
            for _ in identity.passed(source):
                pass
            item = identity.of(name)
            if self.holds(item):
                return item
            source.seek(0)
            size = self._shelf.write(self.names(item)[0], self._as_stored(blocks(source)))
        self._known()[self.names(item)[0]] = size
        if not self._whole(item, size):
            raise VaultError(
                f"{name} changed while it was stored",
                step="vault",
                target=self._shelf.uri,
                hint="start the capture again; earlier recovery points are as they were",
            )
        return item

    def holds(self, item: StoredObject) -> bool:
        """Whether the object is there, in its right size."""
        known = self._known()
        sizes = (known.get(path) for path in self.names(item))
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
                target=self._shelf.uri,
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

    def _known(self) -> dict[str, int]:
        if self._sizes is None:
            self._sizes = {entry.name: entry.size for entry in self._shelf.entries(FOLDER)}
        return self._sizes

    def _whole(self, item: StoredObject, size: int) -> bool:
        return size == item.size if self._keys is None else fits(size, item.size)

    @contextmanager
    def _opened(self, item: StoredObject) -> Iterator[Iterator[bytes]]:
        for path in self.names(item):
            if self._shelf.size(path) is None:
                continue
            with self._shelf.read(path) as stored:
                if self._keys is None:
                    yield blocks(stored)
                    return
                if not self._keys.identities:
                    raise self._refused(item, "it is sealed, and there is no identity.txt here")
                yield opened(stored, self._keys.identities)
                return
        raise self._refused(item, "it is not there")

    def _as_stored(self, content: Iterator[bytes]) -> Iterator[Piece]:
        """What lies on the shelf for some content."""
        return content if self._keys is None else seal_pieces(content, self._keys.recipients)

    def _refused(self, item: StoredObject, why: str) -> UntrustedError:
        return UntrustedError(
            f"{item.name} (sha256 {item.sha256[:16]}…) is refused: {why}",
            step="read the vault",
            target=self._shelf.uri,
            hint=_EVIDENCE,
        )


def _object_path(name: str) -> str:
    return f"{FOLDER}/{name[:2]}/{name}"
