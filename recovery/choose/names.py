"""What is on the server by name, so that what would be lost can be named, not only counted."""

from collections.abc import Mapping
from typing import Any

from recovery.vault.manifest import Manifest
from recovery.velociraptor.api import ROOT, Api, Row

Names = Mapping[str, list[str]]
"""Item of an inventory → names; those of other orgs with the org before them."""

_QUERIES: dict[str, str] = {
    "clients": "SELECT client_id AS Name FROM clients()",
    "labels": "SELECT client_id AS Name, labels FROM clients() WHERE labels",
    "hunts": "SELECT hunt_id AS Name, hunt_description AS Says FROM hunts()",
    "artifacts": "SELECT name AS Name FROM artifact_definitions() "
    "WHERE NOT built_in AND NOT is_inherited",
    "notebooks": "SELECT notebook_id AS Name, name AS Says FROM notebooks(all=TRUE)",
    "secrets": "SELECT type_name AS Name, secrets FROM secrets() WHERE secrets",
    "tools": "SELECT name AS Name, version AS Says FROM inventory() WHERE admin_override OR hash",
    "server_monitoring": "SELECT _value AS Name "
    "FROM foreach(row=get_server_monitoring().artifacts)",
}
_SAME = {
    "hunt_parameters": "hunts",
    "hunt_results": "hunts",
    "passwords": "users",
    "user_options": "users",
    "acls": "users",
    "served_files": "tools",
}


def ask_names(api: Api) -> dict[str, list[str]]:
    """Asks every org of a running server. Raises :class:`recovery.errors.ServerError`."""
    found: dict[str, list[str]] = {"orgs": [], "users": []}
    orgs = api.query("SELECT OrgId, Name FROM orgs()", min_rows=1)
    for org in orgs:
        ident = org["OrgId"] or ROOT
        if ident != ROOT:
            found["orgs"].append(f"{ident} ({org['Name']})")
        for item, vql in _QUERIES.items():
            rows = api.query(vql, org="" if ident == ROOT else ident)
            found.setdefault(item, []).extend(
                name if ident == ROOT else f"{ident}: {name}"
                for row in rows
                for name in _named(item, row)
            )
    found["users"] = [str(row["name"]) for row in api.query("SELECT name FROM gui_users()")]
    return found | {item: found[like] for item, like in _SAME.items()}


def _named(item: str, row: Row) -> list[str]:
    if item == "secrets":
        return [f"{row['Name']}/{secret['name']}" for secret in row["secrets"] or []]
    says = str(row.get("Says") or "")
    return [f"{row['Name']} ({says})" if says else str(row["Name"])]


def of_inventory(point: Manifest) -> dict[str, list[str]]:
    """The names that a recovery point's inventory knows."""
    found: dict[str, list[str]] = {}
    orgs: Mapping[str, Mapping[str, Mapping[str, Any]]] = point.inventory.orgs
    for org, items in orgs.items():
        for item, entries in items.items():
            names = [name if org == ROOT else f"{org}: {name}" for name in entries]
            found.setdefault(item, []).extend(names)
    found["orgs"] = [org for org in found.get("orgs", []) if org != ROOT]
    return found
