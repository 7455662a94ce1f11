"""Opening paths: `file` and `auto` (the host), `fs` (the file store), `zip`, `data`."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from server_app.services.errors import denied
from server_app.vql.call import CallError
from server_app.vql.paths import OSPath, parse_path, split
from server_app.vql.registry import Call

HOST = ("", "file", "auto")
KNOWN = (*HOST, "fs", "zip", "data")


class AccessError(OSError):
    """A path that can't be opened; the text is what the message shows after the path."""


def located(value: OSPath | str, accessor: str) -> OSPath:
    """A path with the accessor that will open it: the one named in the call goes first."""
    if isinstance(value, str):
        return parse_path(value, accessor or "auto")
    if accessor and accessor not in ("auto", value.accessor):
        return OSPath(value.parts, accessor, value.delegate, value.short_base)
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
            raise AccessError(_go_text("lstat", _first_missing(path), error)) from error
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
    except (KeyError, RuntimeError, zipfile.BadZipFile, NotImplementedError) as error:
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


def members(call: Call, path: OSPath) -> list[tuple[str, bool]]:
    """Names directly below a path and whether each is a folder; AccessError if it can't be."""
    if path.accessor == "fs":
        if call.run.org is None:
            raise CallError("Command can only run on the server")
        need(call, "READ_RESULTS")
        store = call.org.files
        try:
            names = store.listdir(path.path)
            return [(name, bool(store.stat((path + name).path)["IsDir"])) for name in names]
        except PermissionError as error:
            raise AccessError(str(error)) from error
        except OSError as error:
            raise AccessError("NotFoundError") from error
    if path.accessor == "zip":
        return _zip_members(call, path)
    need(call, "FILESYSTEM_READ")
    try:
        with os.scandir(path.path) as entries:
            return [(entry.name, entry.is_dir()) for entry in entries]
    except OSError as error:
        raise AccessError(_go_text("open", path.path, error)) from error


def _zip_members(call: Call, path: OSPath) -> list[tuple[str, bool]]:
    if path.delegate is None:
        raise AccessError("zip: DelegatePath is not set")
    try:
        with (
            open_path(call, located(*path.delegate)) as container,
            zipfile.ZipFile(container) as archive,
        ):
            names = [split(name) for name in archive.namelist()]
    except (zipfile.BadZipFile, ValueError) as error:
        raise AccessError("zip: not a valid zip file") from error
    depth = len(path.parts)
    found: dict[str, bool] = {}
    for parts in names:
        if len(parts) > depth and parts[:depth] == path.parts:
            found[parts[depth]] = found.get(parts[depth], False) or len(parts) > depth + 1
    return list(found.items())


def _go_text(verb: str, path: str, error: OSError) -> str:
    return f"{verb} {path}: {(error.strerror or str(error)).lower()}"
