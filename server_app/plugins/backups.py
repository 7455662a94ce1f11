"""backup() and backup_restore()."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from server_app.vql.registry import Call, optional, plugin, required

Arguments = dict[str, Any]


@plugin(
    "backup",
    {"name": required("string")},
    permission="SERVER_ADMIN",
    needs_server=True,
    changes=True,
)
def backup(call: Call, arguments: Arguments) -> Iterator[dict[str, Any]]:
    """Writes `<datastore>/backups/<name>.zip`; one row a provider and org."""
    yield from call.org.backups.create(arguments["name"])


@plugin(
    "backup_restore",
    {
        "name": required("string"),
        "prefix": optional("string", ""),
        "providers": optional("string", ""),
    },
    permission="SERVER_ADMIN",
    needs_server=True,
    changes=True,
)
def backup_restore(call: Call, arguments: Arguments) -> Iterator[dict[str, Any]]:
    """Restores into the current org, with the traps the facts list."""
    yield from call.org.backups.restore(
        arguments["name"], providers=arguments["providers"], prefix=arguments["prefix"]
    )
