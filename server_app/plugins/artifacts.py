"""Artifact definitions: artifact_definitions(), artifact_set(), artifact_delete()."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from server_app.services.errors import denied
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
    artifacts = call.org.artifacts
    for name in arguments["names"] or artifacts.names():
        definition = artifacts.get(name)
        if definition is None:
            call.fail(f"artifact {name} not known")
        else:
            yield artifacts.row(definition)


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
    text, tags = arguments["definition"] or "", arguments["tags"]
    return dict(call.org.artifacts.set(text, tags, call.principal, arguments["prefix"] or ""))


@function(
    "artifact_delete",
    {"name": optional("string", "")},
    needs_server=True,
    changes=True,
)
def artifact_delete(call: Call, arguments: Arguments) -> str:
    if call.org.artifacts.get(arguments["name"]) is None:
        raise CallError(f"Artifact '{arguments['name']}' not found")
    if not call.run.allows("ARTIFACT_WRITER"):
        raise CallError(denied("ARTIFACT_WRITER"))
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
def artifact_set_metadata(call: Call, arguments: Arguments) -> dict[str, Any]:
    given = dict(arguments)
    return dict(call.org.artifacts.set_metadata(given.pop("name"), **given))
