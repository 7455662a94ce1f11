"""Looking at files: glob(), parse_jsonl(), read_file(), pathspec()."""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from server_app.plugins.accessors import AccessError, located, members, open_path
from server_app.vql.call import CallError
from server_app.vql.paths import OSPath, from_spec, split
from server_app.vql.registry import Call, function, optional, plugin, required
from server_app.vql.values import Timestamp

Arguments = dict[str, Any]

LONGEST_READ = 4 * 1024 * 1024
"""Bytes that read_file() returns unless asked for more."""


@function(
    "pathspec",
    {
        "DelegatePath": optional("any"),
        "DelegateAccessor": optional("string", "auto"),
        "Path": optional("any"),
        "parse": optional("string"),
        "path_type": optional("string"),
        "accessor": optional("string", ""),
    },
)
def pathspec(_call: Call, arguments: Arguments) -> OSPath:
    """A path inside an archive, or (with `parse`) one from text."""
    if arguments["parse"] is not None:
        return located(arguments["parse"], arguments["accessor"])
    spec = {name: arguments[name] for name in ("DelegatePath", "DelegateAccessor", "Path")}
    return from_spec(spec, "zip")


_FILE = {"filename": required("path"), "accessor": optional("string", "")}


@function(
    "read_file", {**_FILE, "length": optional("int", LONGEST_READ), "offset": optional("int", 0)}
)
def read_file(call: Call, arguments: Arguments) -> str:
    """A file's text."""
    path = located(arguments["filename"], arguments["accessor"])
    with open_path(call, path) as file:
        file.read(arguments["offset"])
        return file.read(max(0, arguments["length"])).decode("utf-8", "replace")


@plugin("parse_jsonl", _FILE)
def parse_jsonl(call: Call, arguments: Arguments) -> Iterator[dict[str, Any]]:
    """The objects in a file of one JSON object a line; other lines are passed over."""
    path = located(arguments["filename"], arguments["accessor"])
    with open_path(call, path) as file:
        for line in file:
            try:
                row = json.loads(line)
            except ValueError:
                continue
            if isinstance(row, dict):
                yield row


@plugin(
    "glob",
    {
        "globs": required("strings"),
        "root": optional("path", ""),
        "accessor": optional("string", ""),
        "nosymlink": optional("bool", False),
    },
)
def glob(call: Call, arguments: Arguments) -> Iterator[dict[str, Any]]:
    """Files below `root` that match, in order of their names; `**` goes down folders."""
    root = located(arguments["root"] or "/", arguments["accessor"])
    seen: set[OSPath] = set()
    for pattern in arguments["globs"]:
        parts = split(pattern)
        if pattern.startswith("/") and not arguments["root"]:
            root = OSPath((), root.accessor, root.delegate)
        for path, is_folder in _matching(call, root, parts):
            if path not in seen:
                seen.add(path)
                yield _file_row(call, path, is_folder=is_folder)


def _matching(call: Call, folder: OSPath, parts: tuple[str, ...]) -> Iterator[tuple[OSPath, bool]]:
    if not parts:
        return
    call.run.check()
    try:
        entries = sorted(members(call, folder))
    except AccessError as error:
        call.log(f"Globber: {error} while processing {folder}")
        return
    first, rest = parts[0], parts[1:]
    deep = first.startswith("**")
    depth = int(first[2:]) if deep and first[2:].isdigit() else 30
    expression = re.compile("(?s:.*)" if deep else fnmatch.translate(first), re.IGNORECASE)
    for name, is_folder in entries:
        if not expression.match(name):
            continue
        path = folder + name
        if not rest:
            yield path, is_folder
        elif is_folder:
            yield from _matching(call, path, rest)
        if deep and is_folder and depth > 1:
            yield from _matching(call, path, (f"**{depth - 1}", *rest))


def _file_row(call: Call, path: OSPath, *, is_folder: bool) -> dict[str, Any]:
    size, modified = 0, 0.0
    if path.accessor == "fs":
        details = call.org.files.stat(path.path)
        size, modified = int(details["Size"]), float(details["Mtime"])
    elif path.delegate is None:
        try:
            status = Path(path.path).stat()
            size, modified = status.st_size, status.st_mtime
        except OSError as error:
            raise CallError(error) from error
    return {
        "OSPath": path,
        "Name": path.member("Basename"),
        "Size": 0 if is_folder and path.accessor == "fs" else size,
        "Mode": "drwxr-xr-x" if is_folder else "-rw-r--r--",
        "Mtime": Timestamp(int(modified * 10**9)),
        "IsDir": is_folder,
        "IsLink": False,
    }
