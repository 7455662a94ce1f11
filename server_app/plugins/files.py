"""Reading files: parse_jsonl(), read_file(), pathspec()."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from server_app.plugins.accessors import AccessError, located, may_open, open_path
from server_app.vql.builtin.faults import line_fault
from server_app.vql.call import CallError
from server_app.vql.paths import OSPath, from_spec
from server_app.vql.registry import Call, function, optional, plugin, required

Arguments = dict[str, Any]

_PATH_TYPES = ("windows", "linux", "generic")
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
    kind = arguments["path_type"]
    if kind and kind not in _PATH_TYPES:
        raise CallError(f"Unknown path type: {kind} (should be one of {','.join(_PATH_TYPES)})")
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
        is_folder = isinstance(error.__cause__, IsADirectoryError) and path.parts
        raise CallError(error if is_folder else f"{path}: {error}") from error
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
        if not isinstance(error.__cause__, IsADirectoryError):
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
