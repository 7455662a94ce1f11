"""Notebooks: list, read, create, change."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from server_app.services.errors import denied
from server_app.vql.call import CallError
from server_app.vql.registry import Call, function, optional, plugin, required

Arguments = dict[str, Any]
Rows = Iterator[dict[str, Any]]


@plugin("notebooks", {"all": optional("bool", False)}, needs_server=True)
def notebooks(call: Call, arguments: Arguments) -> Rows:
    """The user's notebooks, or with `all` everybody's."""
    permission = "SERVER_ADMIN" if arguments["all"] else "READ_RESULTS"
    if not call.run.allows(permission):
        raise CallError(denied(permission))
    yield from call.org.notebooks.list(call.principal, arguments["all"])


@function(
    "notebook_get",
    {"notebook_id": required("string"), "verbose": optional("bool", False)},
    permission="READ_RESULTS",
    needs_server=True,
)
def notebook_get(call: Call, arguments: Arguments) -> dict[str, Any]:
    return dict(call.org.notebooks.get(arguments["notebook_id"], arguments["verbose"]))


@function(
    "notebook_create",
    {
        "name": optional("string", ""),
        "description": optional("string", ""),
        "collaborators": optional("strings", []),
        "public": optional("bool", False),
        "artifacts": optional("strings", []),
        "env": optional("dict", {}),
    },
    permission="COLLECT_SERVER",
    needs_server=True,
    changes=True,
)
def notebook_create(call: Call, arguments: Arguments) -> dict[str, Any]:
    return dict(call.org.notebooks.create(principal=call.principal, **arguments))


@function(
    "notebook_update",
    {
        "notebook_id": required("string"),
        "description": optional("string"),
        "collaborators": optional("strings"),
        "public": optional("bool"),
        "attachment": optional("string"),
        "attachment_filename": optional("string"),
    },
    permission="COLLECT_SERVER",
    needs_server=True,
    changes=True,
)
def notebook_update(call: Call, arguments: Arguments) -> dict[str, Any]:
    return dict(
        call.org.notebooks.update(
            arguments["notebook_id"],
            description=arguments["description"],
            collaborators=arguments["collaborators"],
            public=arguments["public"],
            principal=call.principal,
        )
    )


@function(
    "notebook_update_cell",
    {
        "notebook_id": required("string"),
        "cell_id": optional("string", ""),
        "delete": optional("bool", False),
        "type": optional("string", ""),
        "input": optional("string", ""),
        "output": optional("string", ""),
    },
    permission="COLLECT_SERVER",
    needs_server=True,
    changes=True,
)
def notebook_update_cell(call: Call, arguments: Arguments) -> dict[str, Any]:
    return dict(call.org.notebooks.update_cell(principal=call.principal, **arguments))


@plugin(
    "notebook_delete",
    {"notebook_id": required("string"), "really_do_it": optional("bool", False)},
    permission="SERVER_ADMIN",
    needs_server=True,
)
def notebook_delete(call: Call, arguments: Arguments) -> Rows:
    yield from call.org.notebooks.delete(arguments["notebook_id"], arguments["really_do_it"])
