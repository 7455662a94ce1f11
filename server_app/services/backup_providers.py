"""What each part of a backup holds, and what restoring it does to a server.

Facts: the table "what restoring really does".
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from server_app.datastore import records
from server_app.services.errors import ServiceError
from server_app.services.hunt_conditions import in_backup
from server_app.services.notebook_cells import to_recalculate
from server_app.services.zips import BROKEN, ZipWriter, read_lines

if TYPE_CHECKING:
    from server_app.services.org import OrgServices

Rows = list[Any]
Restored = tuple[str, list[str]]


@dataclass(frozen=True)
class Provider:
    """One part: its name, its member, how it is written and restored."""

    name: str
    member: str
    collect: Callable[[OrgServices, ZipWriter, str], Iterator[Any]]
    take_back: Callable[[OrgServices, Rows, zipfile.ZipFile, str], Restored]

    def write(self, org: OrgServices, writer: ZipWriter, prefix: str, artifacts: str) -> int:
        """Adds the member (and what it refers to); returns the number of rows."""
        rows = list(self.collect(org, writer, artifacts))
        return writer.add_table(prefix + self.member, rows)

    def restore(
        self, org: OrgServices, rows: Rows, archive: zipfile.ZipFile, folder: str
    ) -> Restored:
        """Message and warnings."""
        return self.take_back(org, rows, archive, folder)


def members(archive: zipfile.ZipFile, name: str) -> Rows:
    """Rows of a member as far as it can be read: damage is not reported, rows are just missing
    (facts: 'Damaged member: "Restored 0 hunts", Error empty').
    """
    rows = []
    for line in read_lines(archive, name).splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict):
            rows.append(row)
    return rows


# -- ACL: restored by nobody


def _acls(org: OrgServices, _writer: ZipWriter, _prefix: str) -> Iterator[Any]:
    for user in org.server.directory.all():
        policy = org.users.policy(user["name"])
        if policy:
            kept = {k: v for k, v in user.items() if k not in {"password_hash", "password_salt"}}
            orgs = [{"name": org.name, "id": org.org_id}]
            yield {
                "Principal": records.compact("User", {**kept, "orgs": orgs}),
                "Policy": records.compact("Policy", policy),
            }


def _no_acls(_org: OrgServices, rows: Rows, _zip: zipfile.ZipFile, _folder: str) -> Restored:
    message = (
        "ACL backups do not automatically restore. "
        f"There are {len(rows)} ACL records which may be restored manually."
    )
    return message, []


# -- ClientInfo: replaces the list, and does not mark it for saving


def _clients(org: OrgServices, _writer: ZipWriter, _prefix: str) -> Iterator[Any]:
    for record in org.clients.snapshot():
        yield records.compact("ClientInfo", record)


def _replace_clients(org: OrgServices, rows: Rows, _zip: zipfile.ZipFile, _folder: str) -> Restored:
    found = [record for record in _read("ClientInfo", rows) if record.get("client_id")]
    org.clients.replace_all({record["client_id"]: record for record in found})
    return f"Restored {len(found)} clients", []


# -- Repository: into memory only, without tags


def _artifacts(org: OrgServices, writer: ZipWriter, prefix: str) -> Iterator[Any]:
    for definition in org.artifacts.custom():
        filename = f"artifacts/{definition.name}.yaml"
        writer.add(prefix + filename, definition.raw.encode())
        metadata = org.artifacts.metadata(definition.name)
        yield {"artifact": definition.name, "filename": filename, "metadata": metadata}


def _load_artifacts(
    org: OrgServices, rows: Rows, archive: zipfile.ZipFile, folder: str
) -> Restored:
    number, complaints = 0, ""
    for row in rows:
        filename = str(row.get("filename", ""))
        try:
            text = archive.read(f"{folder}/{filename}").decode()
        except BROKEN:
            continue
        try:
            org.artifacts.load_text(text)
        except ServiceError as error:
            complaints += f"Unable to load {row.get('artifact')} from {filename}: {error}\n"
            continue
        number += 1
    return f"{complaints}Restored {number} custom artifacts\n", []


# -- Hunt: same id and state, but a summary of the request only


def _hunts(org: OrgServices, _writer: ZipWriter, _prefix: str) -> Iterator[Any]:
    for hunt in org.hunts.all():
        yield in_backup(records.compact("Hunt", hunt))


def _put_hunts(org: OrgServices, rows: Rows, _zip: zipfile.ZipFile, _folder: str) -> Restored:
    number = 0
    for hunt in _read("Hunt", rows):
        if hunt.get("hunt_id"):
            number += 1
            org.hunts.put(hunt)
    org.dispatch.hunts_changed()
    return f"Restored {number} hunts", []


# -- Notebook: back, query cells not calculated


def _notebooks(org: OrgServices, _writer: ZipWriter, _prefix: str) -> Iterator[Any]:
    for notebook in org.notebooks.all():
        whole = org.notebooks.get(notebook["notebook_id"])
        yield {"notebook": records.compact("Notebook", whole), "cell": None}
        for cell in whole["cell_metadata"]:
            versions = [cell["current_version"]] if cell.get("current_version") else []
            full_cell = {**cell, "available_versions": versions}
            yield {"notebook": None, "cell": records.compact("Cell", full_cell)}


def _put_notebooks(org: OrgServices, rows: Rows, _zip: zipfile.ZipFile, _folder: str) -> Restored:
    notebooks = cells = 0
    warnings = []
    for row in rows:
        try:
            if row.get("notebook"):
                org.notebooks.put(records.from_object("Notebook", row["notebook"]))
                notebooks += 1
            elif row.get("cell"):
                cell = records.from_object("Cell", row["cell"])
                org.notebooks.put_cell(to_recalculate(cell))
                cells += 1
        except (ServiceError, records.RecordError, KeyError) as error:
            warnings.append(f"NewNotebook: {error}")
    return f"Restored {notebooks} notebooks and {cells} cells\n", warnings


def _read(kind: str, rows: Rows) -> Iterator[records.Record]:
    for row in rows:
        try:
            yield records.from_object(kind, row)
        except records.RecordError:
            continue


PROVIDERS = (
    Provider("ACLBackupProvider", "acls.json", _acls, _no_acls),
    Provider("ClientInfoBackupProvider", "client_info.json", _clients, _replace_clients),
    Provider("RepositoryBackupProvider", "custom_artifacts.json", _artifacts, _load_artifacts),
    Provider("HuntBackupProvider", "hunts.json", _hunts, _put_hunts),
    Provider("NotebookBackupProvider", "notebooks.json", _notebooks, _put_notebooks),
)
