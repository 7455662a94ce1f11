"""What old backups and exports hold, counted: what a recovery from them is held to."""

import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic.alias_generators import to_camel

from recovery.capture.adopt_files import Found, FoundBackup, FoundFlow, FoundHunt, org_of_client
from recovery.velociraptor import inventory_entries as entries
from recovery.velociraptor.account_files import cleaned
from recovery.velociraptor.backup_file import read_rows
from recovery.velociraptor.config import ServerConfig
from recovery.velociraptor.inventory import ITEMS, Entries, Inventory, digest

Row = Mapping[str, Any]
_ROOT = "root"
_STATES = {2: "FINISHED", 3: "ERROR"}


def adopted_inventory(
    found: Found,
    backups: Mapping[str, FoundBackup],
    config: ServerConfig,
    nonces: Mapping[str, str],
    names: Mapping[str, str],
) -> Inventory:
    """Counts backups (org → the one chosen for it) and exports; what is in neither stays empty."""
    orgs = sorted(
        {_ROOT, *backups, *nonces, *(flow.org for flow in found.flows)},
        key=lambda org: (org != _ROOT, org),
    )
    items: dict[str, dict[str, Entries]] = {org: {item: {} for item in ITEMS} for org in orgs}
    for org, backup in backups.items():
        with zipfile.ZipFile(backup.path) as archive:
            items[org] |= _from_backup(archive, org)
        items[_ROOT]["users"] |= {name: digest(name) for name in items[org]["acls"]}
    items[_ROOT]["orgs"] = {
        org: digest([names.get(org, org), nonces[org]]) for org in orgs if org in nonces
    }
    items[_ROOT]["orgs"][_ROOT] = digest(["<root>", str(config.values["Client"]["nonce"])])
    for flow in found.flows:
        _add_flow(items[flow.org], flow)
    for hunt in found.hunts:
        _add_hunt(items[hunt_org(hunt, backups)], hunt)
    return Inventory(orgs=items)


def hunt_org(hunt: FoundHunt, backups: Mapping[str, FoundBackup]) -> str:
    """By its flows' clients, else by the backup that lists it."""
    for member in hunt.members:
        return org_of_client(str(member.get("client_id", "")))
    for org, backup in backups.items():
        with zipfile.ZipFile(backup.path) as archive:
            ids = {row.get("hunt_id") for row in read_rows(archive, f"orgs/{org}/hunts.json")}
        if hunt.info.get("hunt_id") in ids:
            return org
    return _ROOT


def hunts_in(backups: Mapping[str, FoundBackup]) -> list[tuple[str, str]]:
    """``(org, hunt id)`` of every hunt in the backups."""
    listed = []
    for org, backup in backups.items():
        with zipfile.ZipFile(backup.path) as archive:
            rows = read_rows(archive, f"orgs/{org}/hunts.json")
        listed += [(org, str(row["hunt_id"])) for row in rows if row.get("hunt_id")]
    return listed


def _from_backup(archive: zipfile.ZipFile, org: str) -> dict[str, Entries]:
    def rows(part: str) -> list[dict[str, Any]]:
        return read_rows(archive, f"orgs/{org}/{part}.json")

    clients, labels = entries.clients(
        {"hostname": None, "system": None, "labels": None, **row} for row in rows("client_info")
    )
    artifacts, tags = entries.artifacts(_artifacts(archive, org, rows("custom_artifacts")))
    hunts, _ = entries.hunts(_as_asked(row) for row in rows("hunts"))
    return {
        "acls": {
            row["Principal"]["name"]: digest(cleaned(_camel(row["Policy"]))) for row in rows("acls")
        },
        "clients": clients,
        "labels": labels,
        "artifacts": artifacts,
        "artifact_tags": tags,
        "hunts": hunts,
        "notebooks": entries.notebooks(_notebooks(rows("notebooks"))),
    }


def _artifacts(archive: zipfile.ZipFile, org: str, rows: Sequence[Row]) -> list[dict[str, Any]]:
    found = []
    members = set(archive.namelist())
    for row in rows:
        # A backup made inside another org has its artifacts at the zip's root.
        for name in (f"orgs/{org}/{row['filename']}", row["filename"]):
            if name in members:
                raw = archive.read(name).decode("utf-8", "replace")
                found.append(
                    {
                        "name": row["artifact"],
                        "type": "client",
                        "raw": raw,
                        "built_in": False,
                        "metadata": row.get("metadata"),
                    }
                )
                break
    return found


def _notebooks(rows: Sequence[Row]) -> list[dict[str, Any]]:
    cells = {row["cell"]["cell_id"]: row["cell"] for row in rows if row.get("cell")}
    books = [row["notebook"] for row in rows if row.get("notebook")]
    return [
        {
            "notebook_id": book["notebook_id"],
            "name": book.get("name"),
            "description": book.get("description"),
            "collaborators": book.get("collaborators"),
            "public": book.get("public"),
            "cells": [
                cells[cell["cell_id"]]
                for cell in book.get("cell_metadata") or []
                if cell["cell_id"] in cells
            ],
        }
        for book in books
    ]


def _as_asked(hunt: Row) -> dict[str, Any]:
    """A hunt of a file as a query answers it: numbers as numbers, conditions in full."""
    request = hunt.get("start_request") or {}
    union = (hunt.get("condition") or {}).get("UnionField") or {}
    return {
        "hunt_id": hunt["hunt_id"],
        "hunt_description": hunt.get("hunt_description"),
        "expires": int(hunt.get("expires") or 0),
        "tags": hunt.get("tags"),
        "condition": {"os": {"os": "ALL"}, **{name.lower(): part for name, part in union.items()}},
        "start_request": {
            name: int(value) if name.startswith("max_") else value
            for name, value in request.items()
        },
    }


def _camel(policy: Row) -> dict[str, Any]:
    """A policy as the server stores it: its names in camel case."""
    return {to_camel(name): value for name, value in policy.items()}


def _add_flow(items: dict[str, Entries], flow: FoundFlow) -> None:
    context = flow.context
    where = {"Client": context["client_id"], "session_id": context["session_id"]}
    state = _STATES.get(context.get("state"), context.get("state"))  # type: ignore[arg-type]
    row = {"artifacts_with_results": None, "total_collected_rows": 0, **context, **where}
    items["flows"] |= entries.flows([{**row, "state": state}])
    begin = f"{where['Client']}/{where['session_id']}"
    items["uploads"] |= {
        f"{begin}/{'/'.join(upload['_Components'][1:])}": str(upload.get("uploaded_size") or 0)
        for upload in flow.uploads
        if upload.get("_Components")
    }


def _add_hunt(items: dict[str, Entries], hunt: FoundHunt) -> None:
    ident = str(hunt.info["hunt_id"])
    hunts, parameters = entries.hunts([_as_asked(hunt.info)])
    items["hunts"] = hunts | items["hunts"]
    items["hunt_parameters"] |= parameters
    items["hunt_results"] |= entries.hunt_results(
        {"HuntId": ident, "ClientId": member["client_id"], "FlowId": member["session_id"]}
        for member in hunt.members
        if member.get("client_id") and member.get("session_id")
    )
