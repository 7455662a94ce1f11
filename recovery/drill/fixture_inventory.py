"""What must come back of the fixtures, counted out of the files themselves, without any server."""

import json
import zipfile
from typing import Any

from pydantic.alias_generators import to_camel

from recovery.drill.fixture_files import (
    BACKUP,
    FLOWS,
    HUNT,
    ORGS,
    backup_rows,
    fixture,
    org_nonce,
)
from recovery.velociraptor import inventory_entries as entries
from recovery.velociraptor.account_files import cleaned
from recovery.velociraptor.config import ServerConfig
from recovery.velociraptor.inventory import ITEMS, Entries, Inventory, digest

Row = dict[str, Any]
_ROOT = "root"
_ENDED = {2: "FINISHED"}


def fixture_inventory(config: ServerConfig) -> Inventory:
    """The inventory of backup, flows and hunt; ``config`` gives the root org's nonce."""
    found: dict[str, dict[str, Entries]] = {
        org: {item: {} for item in ITEMS} for org in (_ROOT, *ORGS)
    }
    for org in found:
        found[org] |= _from_backup(org)
        found[_ROOT]["users"] |= {name: digest(name) for name in found[org]["acls"]}
    found[_ROOT]["orgs"] = {
        _ROOT: digest(["<root>", str(config.values["Client"]["nonce"])]),
        **{org: digest([name, org_nonce(org)]) for org, name in ORGS.items()},
    }
    _add_archives(found[_ROOT])
    return Inventory(orgs=found)


def _from_backup(org: str) -> dict[str, Entries]:
    rows = [
        {**row, "labels": row.get("labels"), "system": row.get("system")}
        for row in backup_rows(org, "client_info")
    ]
    clients, labels = entries.clients(rows)
    artifacts, tags = entries.artifacts(_artifacts(org))
    hunts, _ = entries.hunts(_as_asked(hunt) for hunt in backup_rows(org, "hunts"))
    return {
        "acls": {
            row["Principal"]["name"]: digest(cleaned(_as_stored(row["Policy"])))
            for row in backup_rows(org, "acls")
        },
        "clients": clients,
        "labels": labels,
        "artifacts": artifacts,
        "artifact_tags": tags,
        "hunts": hunts,
        "notebooks": entries.notebooks(_notebooks(org)),
    }


def _artifacts(org: str) -> list[Row]:
    with zipfile.ZipFile(fixture(BACKUP)) as archive:
        return [
            {
                "name": row["artifact"],
                "type": "client",
                "raw": archive.read(f"orgs/{org}/{row['filename']}").decode(),
                "built_in": False,
                "metadata": row.get("metadata"),
            }
            for row in backup_rows(org, "custom_artifacts")
        ]


def _notebooks(org: str) -> list[Row]:
    """Notebooks as the server lists them: each with its cells in its own order."""
    rows = backup_rows(org, "notebooks")
    cells = {row["cell"]["cell_id"]: row["cell"] for row in rows if row.get("cell")}
    books = [row["notebook"] for row in rows if row.get("notebook")]
    return [
        {
            "notebook_id": book["notebook_id"],
            "name": book.get("name"),
            "description": book.get("description"),
            "collaborators": book.get("collaborators"),
            "public": book.get("public"),
            "cells": [cells[cell["cell_id"]] for cell in book.get("cell_metadata") or []],
        }
        for book in books
    ]


def _as_asked(hunt: Row) -> Row:
    """A hunt as a query answers it: numbers as numbers, a condition with every part named."""
    request = hunt.get("start_request") or {}
    union = (hunt.get("condition") or {}).get("UnionField") or {}
    condition = {name.lower(): value for name, value in union.items()}
    return {
        "hunt_id": hunt["hunt_id"],
        "hunt_description": hunt.get("hunt_description"),
        "expires": int(hunt["expires"]),
        "tags": hunt.get("tags"),
        "condition": {"os": {"os": "ALL"}, **condition},
        "start_request": {
            name: int(value) if name.startswith("max_") else value
            for name, value in request.items()
        },
    }


def _as_stored(policy: Row) -> Row:
    """A policy as the server keeps it: its names in camel case."""
    return {to_camel(name): value for name, value in policy.items()}


def _add_archives(root: dict[str, Entries]) -> None:
    """The three flows and their upload; the hunt with its parameters and its one member."""
    for name in FLOWS:
        with zipfile.ZipFile(fixture(name)) as archive:
            context: Row = json.loads(archive.read("collection_context.json"))
            uploads = [json.loads(line) for line in archive.read("uploads.json").splitlines()]
        where = {"Client": context["client_id"], "Flow": context["session_id"]}
        flow = {**context, **where, "state": _ENDED.get(context["state"], "RUNNING")}
        root["flows"] |= entries.flows([flow])
        root["uploads"] |= {
            f"{where['Client']}/{where['Flow']}/{_stored(upload)}": str(upload["uploaded_size"])
            for upload in uploads
        }
    with zipfile.ZipFile(fixture(HUNT)) as archive:
        hunt: Row = json.loads(archive.read("hunt_info.json"))
        members = [name for name in archive.namelist() if name.endswith("collection_context.json")]
        contexts = [json.loads(archive.read(name)) for name in members]
    _, parameters = entries.hunts([_as_asked(hunt)])
    root["hunt_parameters"] |= parameters
    root["hunt_results"] |= entries.hunt_results(
        {"HuntId": hunt["hunt_id"], "ClientId": one["client_id"], "FlowId": one["session_id"]}
        for one in contexts
    )


def _stored(upload: Row) -> str:
    """Where the server keeps it, below ``uploads/``."""
    return "/".join(upload["_Components"][1:])
