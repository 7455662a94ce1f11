"""A shelf in a folder of this machine. Folders are 0700, files 0600."""

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from recovery.errors import VaultError
from recovery.vault.age_file import Piece
from recovery.vault.shelf import Entry, NotOnShelfError

_AT_ONCE = 8
_PART = ".part-"
_HINT = "check that the folder is mounted, has space, and belongs to you; start again then"


class FolderShelf:
    """Files below ``folder``, written under a temporary name and then renamed."""

    names_late = True

    def __init__(self, folder: Path, *, uri: str = "") -> None:
        self._folder = folder
        self.uri = uri or f"file://{folder}"
        self._unsettled: set[Path] = set()

    def write(self, name: str, pieces: Iterable[Piece]) -> int:
        return self.write_as(lambda: name, pieces)

    def write_as(self, choose: Callable[[], str], pieces: Iterable[Piece]) -> int:
        part = None
        try:
            self._make_folder(self._folder)
            descriptor, path = tempfile.mkstemp(dir=self._folder, prefix=_PART)
            part = Path(path)
            with os.fdopen(descriptor, "wb", buffering=0) as out:
                for piece in pieces:
                    _write_whole(out, piece)
                size = out.tell()
            final = self._folder / choose()
            self._make_folder(final.parent)
            part.replace(final)
            self._unsettled.add(final)
        except OSError as refused:
            raise self._failed("write", "a part of it", refused) from refused
        finally:
            if part is not None:
                part.unlink(missing_ok=True)
        return size

    def create(self, name: str, content: bytes) -> bool:
        """A hard link never replaces a file: whoever comes second is refused by the kernel."""
        final, part = self._folder / name, None
        try:
            self._make_folder(final.parent)
            descriptor, path = tempfile.mkstemp(dir=final.parent, prefix=_PART)
            part = Path(path)
            with os.fdopen(descriptor, "wb") as out:
                out.write(content)
            final.hardlink_to(part)
        except FileExistsError:
            return False
        except OSError as refused:
            raise self._failed("write", name, refused) from refused
        finally:
            if part is not None:
                part.unlink(missing_ok=True)
        self._unsettled.add(final)
        return True

    def _make_folder(self, folder: Path) -> None:
        if not folder.is_dir():
            self._make_folder(folder.parent)
            folder.mkdir(mode=0o700, exist_ok=True)

    @contextmanager
    def read(self, name: str) -> Iterator[IO[bytes]]:
        try:
            stream = (self._folder / name).open("rb")
        except FileNotFoundError as missing:
            raise NotOnShelfError(name) from missing
        except OSError as refused:
            raise self._failed("read", name, refused) from refused
        with stream:
            yield stream

    def size(self, name: str) -> int | None:
        try:
            return (self._folder / name).stat().st_size
        except FileNotFoundError:
            return None
        except OSError as refused:
            raise self._failed("look at", name, refused) from refused

    def entries(self, prefix: str) -> Iterator[Entry]:
        try:
            yield from sorted(_walk(self._folder / prefix, prefix), key=lambda entry: entry.name)
        except OSError as refused:
            raise self._failed("list", prefix, refused) from refused

    def remove(self, name: str) -> None:
        try:
            (self._folder / name).unlink(missing_ok=True)
        except OSError as refused:
            raise self._failed("remove", name, refused) from refused

    def settle(self) -> None:
        """Many side by side, once: the files of a capture are thousands, and mostly small."""
        written, self._unsettled = self._unsettled, set()
        folders = {folder for path in written for folder in path.parents[:2]}
        try:
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                list(pool.map(_sync, written))
                list(pool.map(_sync, folders))
        except OSError as refused:
            raise self._failed("write", "objects", refused) from refused

    def _failed(self, what: str, name: str, cause: OSError) -> VaultError:
        return VaultError(
            f"can't {what} {name}: {cause.strerror or cause}",
            step="vault",
            target=self.uri,
            hint=_HINT,
        )


def _walk(folder: Path | str, name: str) -> Iterator[Entry]:
    """The files below ``folder``, which is called ``name``; those under way are hidden ones."""
    try:
        with os.scandir(folder) as found:
            for item in found:
                try:
                    if item.is_dir(follow_symlinks=False):
                        yield from _walk(item.path, f"{name}/{item.name}")
                    elif item.is_file() and not item.name.startswith("."):
                        about = item.stat()
                        changed = datetime.fromtimestamp(about.st_mtime, UTC)
                        yield Entry(f"{name}/{item.name}", about.st_size, changed)
                except FileNotFoundError:
                    continue  # removed by another run
    except (FileNotFoundError, NotADirectoryError):
        return


def _write_whole(out: IO[bytes], piece: Piece) -> None:
    """An unbuffered file may take less than it was given."""
    left = memoryview(piece)
    while left:
        left = left[out.write(left) :]


def _sync(path: Path) -> None:
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return  # removed again meanwhile
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
