"""Opening paths: `file` and `auto` (the host), `fs` (the file store), `zip`, `data`."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path
from typing import IO, Any, BinaryIO, NamedTuple, cast

from server_app.services.errors import denied
from server_app.vql.call import CallError
from server_app.vql.paths import OSPath, parse_path, split
from server_app.vql.registry import Call

HOST = ("", "file", "auto")
KNOWN = (*HOST, "fs", "zip", "data")


class AccessError(OSError):
    """A path that can't be opened; the text is what the message shows after the path."""


def located(value: OSPath | str, accessor: str) -> OSPath:
    """A path with the accessor that will open it: the one named in the call goes first.

    An export's path counts as text: without `accessor="fs"` it means a file on the host.
    """
    if isinstance(value, str) or value.base:
        return parse_path(str(value), accessor or "auto")
    if accessor and accessor not in ("auto", value.accessor):
        return OSPath(value.parts, accessor, value.delegate)
    return value


def open_path(call: Call, path: OSPath) -> BinaryIO:
    """Opens for reading. Raises AccessError, or CallError for a lack of rights."""
    if path.accessor == "data":
        return io.BytesIO(path.parts[0].encode() if path.parts else b"")
    if path.accessor == "fs":
        return _open_stored(call, path)
    if path.accessor == "zip":
        return _open_member(call, path)
    if path.accessor in HOST:
        need(call, "FILESYSTEM_READ")
        try:
            return Path(path.path).open("rb")
        except OSError as error:
            verb = "read" if isinstance(error, IsADirectoryError) else "lstat"
            raise AccessError(_go_text(verb, _first_missing(path), error)) from error
    raise AccessError(f"Unknown filesystem accessor {path.accessor}")


def _first_missing(path: OSPath) -> str:
    """A path is looked at from its top: what is named is the first part that isn't there."""
    for length in range(1, len(path.parts)):
        above = "/" + "/".join(path.parts[:length])
        if not os.path.lexists(above):
            return above
    return path.path


def need(call: Call, permission: str) -> None:
    if not call.run.allows(permission):
        raise CallError(denied(permission))


def may_open(call: Call, path: OSPath, field: str = "") -> None:
    """The right to read by this accessor is asked for before anything else is done."""
    if path.accessor not in KNOWN:
        where = f"Field {field} " if field else ""
        raise CallError(f"{where}Unknown filesystem accessor {path.accessor}")
    permission = {"fs": "READ_RESULTS"}.get(path.accessor, "FILESYSTEM_READ")
    if path.accessor in (*HOST, "fs") and not call.run.allows(permission):
        where = f"Field {field} " if field else ""
        raise CallError(f"{where}Accessor {path.accessor or 'auto'}: {denied(permission)}")


def _open_stored(call: Call, path: OSPath) -> BinaryIO:
    if call.run.org is None:
        raise CallError("Command can only run on the server")
    need(call, "READ_RESULTS")
    if not path.parts:
        raise AccessError("Invalid path") from IsADirectoryError()
    try:
        return call.org.files.open(path.path)
    except FileNotFoundError as error:
        raise AccessError("NotFoundError") from error
    except PermissionError as error:
        raise AccessError(str(error)) from error
    except OSError as error:
        raise AccessError(error.strerror or str(error)) from error


def _open_member(call: Call, path: OSPath) -> BinaryIO:
    if path.delegate is None:
        raise AccessError("zip: DelegatePath is not set")
    outer, accessor = path.delegate
    container = open_path(call, located(outer, accessor))
    try:
        archive = zipfile.ZipFile(container)
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        container.close()
        raise AccessError("zip: not a valid zip file") from error
    try:
        return _Member(archive.open("/".join(path.parts)), container)
    except (KeyError, RuntimeError, zipfile.BadZipFile) as error:
        container.close()
        raise AccessError(f"Zip: NotFoundError: {path}.") from error


class _Member(io.BufferedReader):
    """A member of an archive, which takes the archive's file with it when closed."""

    def __init__(self, member: IO[bytes], container: BinaryIO) -> None:
        super().__init__(cast("Any", member))
        self._container = container

    def close(self) -> None:
        try:
            super().close()
        finally:
            self._container.close()


class Entry(NamedTuple):
    """Something directly below a path; of a zip's members, what the zip says of them."""

    name: str
    is_folder: bool
    member: zipfile.ZipInfo | None = None


def members(call: Call, path: OSPath) -> list[Entry]:
    """What is directly below a path; AccessError if that can't be known."""
    if path.accessor == "fs":
        if call.run.org is None:
            raise CallError("Command can only run on the server")
        need(call, "READ_RESULTS")
        store = call.org.files
        try:
            names = store.listdir(path.path)
            return [Entry(name, bool(store.stat((path + name).path)["IsDir"])) for name in names]
        except PermissionError as error:
            raise AccessError(str(error)) from error
        except OSError as error:
            raise AccessError("NotFoundError") from error
    if path.accessor == "zip":
        return _zip_members(call, path)
    need(call, "FILESYSTEM_READ")
    try:
        with os.scandir(path.path) as entries:
            return [Entry(entry.name, entry.is_dir()) for entry in entries]
    except OSError as error:
        raise AccessError(_go_text("open", path.path, error)) from error


def _zip_members(call: Call, path: OSPath) -> list[Entry]:
    if path.delegate is None:
        raise AccessError("zip: DelegatePath is not set")
    try:
        with (
            open_path(call, located(*path.delegate)) as container,
            zipfile.ZipFile(container) as archive,
        ):
            listed = [(split(info.filename), info) for info in archive.infolist()]
    except (zipfile.BadZipFile, ValueError) as error:
        raise AccessError("zip: not a valid zip file") from error
    depth = len(path.parts)
    found: dict[str, Entry] = {}
    for parts, info in listed:
        if len(parts) > depth and parts[:depth] == path.parts:
            name, is_folder = parts[depth], len(parts) > depth + 1
            if name not in found or is_folder:
                found[name] = Entry(name, is_folder, None if is_folder else info)
    return list(found.values())


def _go_text(verb: str, path: str, error: OSError) -> str:
    return f"{verb} {path}: {(error.strerror or str(error)).lower()}"
