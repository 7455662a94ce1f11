"""Which permission each role brings, and how a permission is spelled in a policy record."""

from __future__ import annotations

from typing import Any

from server_app.datastore import records

Policy = dict[str, Any]

PERMISSIONS = {
    "ANY_QUERY": "any_query",
    "READ_RESULTS": "read_results",
    "LABEL_CLIENT": "label_clients",
    "COLLECT_CLIENT": "collect_client",
    "COLLECT_BASIC": "collect_basic",
    "START_HUNT": "start_hunt",
    "COLLECT_SERVER": "collect_server",
    "ARTIFACT_WRITER": "artifact_writer",
    "SERVER_ARTIFACT_WRITER": "server_artifact_writer",
    "EXECVE": "execve",
    "NOTEBOOK_EDITOR": "notebook_editor",
    "SERVER_ADMIN": "server_admin",
    "ORG_ADMIN": "org_admin",
    "IMPERSONATION": "impersonation",
    "FILESYSTEM_READ": "filesystem_read",
    "FILESYSTEM_WRITE": "filesystem_write",
    "NETWORK": "network",
    "MACHINE_STATE": "machine_state",
    "PREPARE_RESULTS": "prepare_results",
    "DELETE_RESULTS": "delete_results",
    "DATASTORE_ACCESS": "datastore_access",
}

_ADMINISTRATOR = frozenset(PERMISSIONS.values()) - {"org_admin", "datastore_access"}
_ANALYST = frozenset(
    {"read_results", "notebook_editor", "label_clients", "any_query", "prepare_results"}
)

ROLES: dict[str, frozenset[str]] = {
    "org_admin": frozenset({"org_admin"}),
    "administrator": _ADMINISTRATOR,
    "reader": frozenset({"read_results"}),
    "api": frozenset({"any_query", "read_results"}),
    "analyst": _ANALYST,
    "investigator": _ANALYST | {"collect_client", "start_hunt"},
    "artifact_writer": frozenset({"artifact_writer"}),
}


def effective(policy: Policy, *, in_root: bool) -> Policy:
    """The policy with its roles' permissions spelled out.

    An unknown role is accepted silently and brings nothing (facts: "backup() …"); the rights of
    the server itself no policy brings.
    """
    granted = {name for name in PERMISSIONS.values() if policy.get(name)}
    roles = policy.get("roles") or []
    for role in roles:
        granted |= ROLES.get(role, frozenset())
    if in_root and "administrator" in roles:
        granted.add("org_admin")
    if not in_root:
        granted.discard("org_admin")
    return records.compact("Policy", dict.fromkeys(granted, True))
