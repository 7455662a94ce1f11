"""What a backup zip holds, counted as the inventory of a server counts it.

Hunts of files have numbers as strings and only the set part of a condition; policies have other
names; notebooks and their cells lie apart (facts: backup()).
"""

import zipfile
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic.alias_generators import to_camel

from recovery.velociraptor import inventory_entries as entries
from recovery.velociraptor.account_files import cleaned
from recovery.velociraptor.backup_file import artifact_rows
from recovery.velociraptor.inventory import Entries, digest
from recovery.velociraptor.json_rows import rows_of

Row = Mapping[str, Any]
_SYSTEMS = ("ALL", "WINDOWS", "LINUX", "OSX")
"""``HuntOsCondition``, by its numbers."""
_WHOLE_NUMBERS = frozenset({"timeout", "trace_freq_sec", "log_batch_time"})
"""With every ``max_…``: the 64-bit fields of a request (seen: a hunt's export, 0.77.2)."""


def backup_entries(archive: zipfile.ZipFile, org: str) -> dict[str, Entries]:
    """Item of the inventory → its entries, for all items that a backup holds of ``org``."""

    def rows(part: str) -> Iterator[dict[str, Any]]:
        return rows_of(archive, f"orgs/{org}/{part}.json")

    clients, labels = entries.clients(
        {"hostname": None, "system": None, "labels": None, **row} for row in rows("client_info")
    )
    artifacts, tags = entries.artifacts(
        {
            "name": row["artifact"],
            "type": "client",
            "raw": text,
            "built_in": False,
            "metadata": row.get("metadata"),
        }
        for row, text in artifact_rows(archive, org)
    )
    hunts, _ = entries.hunts(hunt_as_asked(row) for row in rows("hunts"))
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


def hunt_as_asked(hunt: Row) -> dict[str, Any]:
    """A hunt of a file as a query answers it: numbers as numbers, conditions in full."""
    request = hunt.get("start_request") or {}
    return {
        "hunt_id": hunt["hunt_id"],
        "hunt_description": hunt.get("hunt_description"),
        "expires": int(hunt.get("expires") or 0),
        "tags": hunt.get("tags"),
        "condition": _condition(hunt.get("condition") or {}),
        "start_request": _with_numbers(
            {name: value for name, value in request.items() if name != "compiled_collector_args"}
        ),
    }


def _condition(said: Row) -> dict[str, Any]:
    """Who takes part: a backup has it below ``UnionField`` and systems as numbers, an export not.

    Both have ``excluded_labels`` apart from that (seen in files of a real server, 0.77.2).
    """
    union = said.get("UnionField") or {}
    found = {name: part for name, part in said.items() if name != "UnionField"}
    found |= {name.lower(): part for name, part in union.items()}
    system = (found.get("os") or {}).get("os") or 0
    named = _SYSTEMS[system] if system in range(len(_SYSTEMS)) else system
    return found | {"os": {"os": named}}


def _with_numbers(value: Any, name: str = "") -> Any:
    """Limits as numbers, in a request and in each of its specs: a file holds 64 bits as text."""
    if isinstance(value, dict):
        return {key: _with_numbers(part, key) for key, part in value.items()}
    if isinstance(value, list):
        return [_with_numbers(part) for part in value]
    whole = name in _WHOLE_NUMBERS or name.startswith("max_")
    return int(value) if whole and isinstance(value, str) and value.isdecimal() else value


def _notebooks(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Notebooks as the server lists them: each with its cells in its own order.

    Of the cells what counts alone: their output may be most of a backup.
    """
    cells: dict[str, dict[str, Any]] = {}
    books = []
    for row in rows:
        if cell := row.get("cell"):
            cells[cell["cell_id"]] = {name: cell.get(name) for name in ("type", "input")}
        if book := row.get("notebook"):
            books.append(book)
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


def _camel(policy: Row) -> dict[str, Any]:
    """A policy as the server stores it: its names in camel case."""
    return {to_camel(name): value for name, value in policy.items()}
