"""Plugins and functions that reach the server: each checks, calls a service, yields rows."""

from server_app.plugins import (
    archives,
    artifacts,
    backups,
    clients,
    copies,
    files,
    flows,
    forwarding,
    hunts,
    monitoring,
    notebooks,
    object_store,
    orgs,
    secrets,
    tools,
    users,
)

__all__ = [
    "archives",
    "artifacts",
    "backups",
    "clients",
    "copies",
    "files",
    "flows",
    "forwarding",
    "hunts",
    "monitoring",
    "notebooks",
    "object_store",
    "orgs",
    "secrets",
    "tools",
    "users",
]
