"""Tools that endpoints fetch: inventory(), inventory_add()."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from server_app.plugins.accessors import AccessError, located, may_open, open_path
from server_app.vql.call import CallError
from server_app.vql.registry import Call, function, optional, plugin, required

Arguments = dict[str, Any]


@plugin("inventory", {}, needs_server=True)
def inventory(call: Call, _arguments: Arguments) -> Iterator[dict[str, Any]]:
    """A row a tool of the org."""
    yield from call.org.tools.list()


@function(
    "inventory_add",
    {
        "tool": required("string"),
        "serve_locally": optional("bool", False),
        "url": optional("string", ""),
        "hash": optional("string", ""),
        "filename": optional("string", ""),
        "version": optional("string", ""),
        "file": optional("path"),
        "accessor": optional("string", ""),
    },
    permission="SERVER_ADMIN",
    needs_server=True,
    changes=True,
)
def inventory_add(call: Call, arguments: Arguments) -> dict[str, Any]:
    """Defines a tool; with ``file``, its content is what the server hands out from now on."""
    names = ("serve_locally", "url", "hash", "filename", "version")
    tool = {"name": arguments["tool"], **{name: arguments[name] for name in names}}
    if arguments["file"] is None:
        return dict(call.org.tools.add(tool))
    path = located(arguments["file"], arguments["accessor"])
    may_open(call, path, "file")
    try:
        with open_path(call, path) as file:
            content = file.read()
    except AccessError as error:
        raise CallError(error) from error
    tool["filename"] = tool["filename"] or path.member("Basename")
    return dict(call.org.tools.add(tool, content))
