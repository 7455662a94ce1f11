"""What must come back of the fixtures, counted out of the files themselves, without any server."""

import json
import zipfile
from typing import Any

from recovery.drill.fixture_files import (
    BACKUP,
    FLOWS,
    HUNT,
    ORGS,
    fixture,
    org_nonce,
)
from recovery.velociraptor import inventory_entries as entries
from recovery.velociraptor.backup_entries import backup_entries, hunt_as_asked
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
    with zipfile.ZipFile(fixture(BACKUP)) as archive:
        for org in found:
            found[org] |= backup_entries(archive, org)
            found[_ROOT]["users"] |= {name: digest(name) for name in found[org]["acls"]}
    found[_ROOT]["orgs"] = {
        _ROOT: digest(["<root>", str(config.values["Client"]["nonce"])]),
        **{org: digest([name, org_nonce(org)]) for org, name in ORGS.items()},
    }
    _add_archives(found[_ROOT])
    return Inventory(orgs=found)


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
    _, parameters = entries.hunts([hunt_as_asked(hunt)])
    root["hunt_parameters"] |= parameters
    root["hunt_results"] |= entries.hunt_results(
        {"HuntId": hunt["hunt_id"], "ClientId": one["client_id"], "FlowId": one["session_id"]}
        for one in contexts
    )


def _stored(upload: Row) -> str:
    """Where the server keeps it, below ``uploads/``."""
    return "/".join(upload["_Components"][1:])
