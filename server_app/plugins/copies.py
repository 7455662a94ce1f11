"""copy()."""

from __future__ import annotations

import os
import shutil
from typing import Any

from server_app.plugins.accessors import AccessError, located, may_open, need, open_path
from server_app.vql.call import CallError
from server_app.vql.registry import Call, function, optional, required

Arguments = dict[str, Any]


def _cancelled_copy(call: Call, arguments: Arguments) -> None:
    """What a copy in a cancelled row leaves: an empty destination (facts: `LIMIT n`)."""
    try:
        need(call, "FILESYSTEM_WRITE")
        with (
            open_path(call, located(arguments["filename"], arguments["accessor"])),
            _destination(arguments),
        ):
            pass
    except OSError:
        return


@function(
    "copy",
    {
        "filename": required("path"),
        "accessor": optional("string", ""),
        "dest": required("string"),
        "permissions": optional("string", ""),
        "dir_permissions": optional("string", ""),
        "append": optional("bool", False),
        "create_directories": optional("bool", False),
    },
    changes=True,
    on_cancel=_cancelled_copy,
)
def copy(call: Call, arguments: Arguments) -> str:
    """Copies a file to the host; gives the destination, or NULL and a log line."""
    path = located(arguments["filename"], arguments["accessor"])
    may_open(call, path, "filename")
    need(call, "FILESYSTEM_WRITE")
    try:
        source = open_path(call, path)
    except AccessError as error:
        if isinstance(error.__cause__, IsADirectoryError):
            call.log(f"copy: Copying file from {path} into {arguments['dest']}")
            raise CallError(f"Failed to copy: {error}") from error
        raise CallError(f"Failed to open {path}: {error}") from error
    if path.accessor != "data":
        call.log(f"copy: Copying file from {path} into {arguments['dest']}")
    with source:
        try:
            with _destination(arguments) as target:
                shutil.copyfileobj(source, target, 1024 * 1024)
        except OSError as error:
            text = (error.strerror or str(error)).lower()
            raise CallError(
                f"Failed to open {arguments['dest']} for writing: open {arguments['dest']}: {text}"
            ) from error
    return str(arguments["dest"])


def _destination(arguments: Arguments) -> Any:
    name = arguments["dest"]
    if arguments["create_directories"]:
        os.makedirs(os.path.dirname(name) or ".", exist_ok=True)  # noqa: PTH103, PTH120
    mode = int(arguments["permissions"], 8) if arguments["permissions"].isdigit() else 0o700
    flags = os.O_WRONLY | os.O_CREAT | (os.O_APPEND if arguments["append"] else os.O_TRUNC)
    return os.fdopen(os.open(name, flags, mode), "wb")
