"""Looking at files: glob(), parse_jsonl(), read_file(), pathspec()."""

from __future__ import annotations

import fnmatch
import json
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from server_app.plugins.accessors import HOST, AccessError, located, may_open, members, open_path
from server_app.vql.builtin.faults import json_fault, line_fault
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
    "read_file",
    {**_FILE, "length": optional("int", LONGEST_READ), "offset": optional("int", 0)},
    failed="",
)
def read_file(call: Call, arguments: Arguments) -> str:
    """A file's text."""
    path = located(arguments["filename"], arguments["accessor"])
    may_open(call, path, "filename")
    try:
        file = open_path(call, path)
    except AccessError as error:
        raise CallError(f"{path}: {error}") from error
    with file:
        file.read(arguments["offset"])
        return file.read(max(0, arguments["length"])).decode("utf-8", "replace")


@plugin("parse_jsonl", _FILE)
def parse_jsonl(call: Call, arguments: Arguments) -> Iterator[dict[str, Any]]:
    """The values in a file of one JSON value a line; lines that are none are passed over."""
    path = located(arguments["filename"], arguments["accessor"])
    try:
        file = open_path(call, path)
    except AccessError as error:
        call.log(f"Unable to open file {path}: {error}")
        return
    said = False
    with file:
        for number, line in enumerate(file, 1):
            try:
                row = json.loads(line)
            except ValueError as error:
                if not said and line.strip() and line.endswith(b"\n"):
                    said = True
                    fault = line_fault(line.decode("utf-8", "replace"), error)
                    where = f"DEFAULT:parse_jsonl: error at line {number}"
                    call.log(f"{where}: {fault} skipping all invalid lines")
                continue
            yield row if isinstance(row, dict) else {"_value": row}


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
    may_open(call, root, "root" if arguments["root"] else "")
    found: dict[OSPath, bool] = {}
    for pattern in arguments["globs"]:
        if pattern.startswith("{"):
            _refuse_pathspec(call, pattern)
        for each in _without_braces(pattern):
            found.update(_matching(call, root, split(each)))
    in_order = (
        found
        if root.accessor == "zip" or len(arguments["globs"]) == 1
        else sorted(found, key=lambda path: path.parts)
    )
    for path in in_order:
        yield _file_row(call, path, is_folder=found[path])


def _refuse_pathspec(call: Call, pattern: str) -> None:
    call.fail(
        "Glob item appears to be a pathspec. This is deprecated, please use the root arg instead."
    )
    try:
        json.loads(pattern)
    except json.JSONDecodeError as error:
        raise CallError(f"While decoding pathspec: {json_fault(error, pattern)}") from error


def _without_braces(pattern: str) -> list[str]:
    """`a.{x,y}` is `a.x` and `a.y`."""
    match = re.search(r"\{([^{}]*)\}", pattern)
    if match is None:
        return [pattern]
    made = [
        pattern[: match.start()] + each + pattern[match.end() :] for each in match[1].split(",")
    ]
    return [each for one in made for each in _without_braces(one)]


def _matching(call: Call, folder: OSPath, parts: tuple[str, ...]) -> Iterator[tuple[OSPath, bool]]:
    if not parts:
        return
    call.run.check()
    try:
        entries = members(call, folder)
    except AccessError as error:
        if folder.accessor not in HOST:
            call.log(f"Globber: {error} while processing {folder}")
        return
    if folder.accessor != "zip":
        entries = sorted(entries)
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
    size, modified, mode = 0, 0.0, 0
    if path.accessor == "fs":
        details = call.org.files.stat(path.path)
        size, modified = int(details["Size"]), float(details["Mtime"])
    elif path.delegate is None:
        try:
            status = Path(path.path).stat()
            size, modified, mode = status.st_size, status.st_mtime, stat.S_IMODE(status.st_mode)
        except OSError as error:
            raise CallError(error) from error
    return {
        "OSPath": path,
        "Name": path.member("Basename"),
        "Size": size,
        "Mode": mode | (FOLDER if is_folder else 0),
        "Mtime": Timestamp(int(modified * 10**9)),
        "IsDir": is_folder,
        "IsLink": False,
    }


FOLDER = 1 << 31
"""The bit of a mode that marks folders."""
