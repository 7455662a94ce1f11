"""Artifact definitions: artifact_definitions(), artifact_set(), artifact_delete()."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from server_app.vql.call import CallError
from server_app.vql.registry import Call, function, optional, plugin, required

Arguments = dict[str, Any]


@plugin(
    "artifact_definitions",
    {
        "names": optional("strings", []),
        "deps": optional("bool", False),
        "sanitize": optional("bool", False),
    },
    permission="READ_RESULTS",
    needs_server=True,
)
def artifact_definitions(call: Call, arguments: Arguments) -> Iterator[dict[str, Any]]:
    yield from call.org.artifacts.list(arguments["names"], arguments["deps"], arguments["sanitize"])


@function(
    "artifact_set",
    {
        "definition": optional("string"),
        "prefix": optional("string"),
        "tags": optional("strings", []),
        "repository": optional("string"),
    },
    permission="ARTIFACT_WRITER",
    needs_server=True,
    changes=True,
)
def artifact_set(call: Call, arguments: Arguments) -> dict[str, Any]:
    """Adds or replaces a custom artifact, on disk too."""
    if not arguments["definition"]:
        raise CallError("definition is required")
    return dict(call.org.artifacts.set(arguments["definition"], arguments["tags"], call.principal))


@function(
    "artifact_delete",
    {"name": required("string")},
    permission="ARTIFACT_WRITER",
    needs_server=True,
    changes=True,
)
def artifact_delete(call: Call, arguments: Arguments) -> str:
    return str(call.org.artifacts.delete(arguments["name"], call.principal))


@function(
    "artifact_set_metadata",
    {
        "name": required("string"),
        "hidden": optional("bool"),
        "basic": optional("bool"),
        "tags": optional("strings"),
    },
    permission="ARTIFACT_WRITER",
    needs_server=True,
    changes=True,
)
def artifact_set_metadata(call: Call, arguments: Arguments) -> bool:
    given = dict(arguments)
    return bool(call.org.artifacts.set_metadata(given.pop("name"), **given))
