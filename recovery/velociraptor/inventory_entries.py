"""From rows to an inventory's entries: what counts of each thing, and what is passed over.

Passed over, because it changes by itself: times of contact, addresses, versions of tables,
states and statistics of hunts, outputs of notebook cells. A key names one thing that can be
lost by itself (a label of a client, a client's part in a hunt), so that a loss has a name.
"""

from collections.abc import Iterable
from typing import Any

from recovery.velociraptor.account_files import cleaned
from recovery.velociraptor.inventory import Entries, digest

Row = dict[str, Any]
_ENDED = ("FINISHED", "ERROR")
_LIMITS = (
    "cpu_limit",
    "iops_limit",
    "ops_per_second",
    "timeout",
    "max_rows",
    "max_upload_bytes",
    "max_logs",
    "trace_freq_sec",
)
_OF_TOOL = (
    "url",
    "github_project",
    "github_asset_regex",
    "serve_locally",
    "admin_override",
    "expected_hash",
    "filename",
    "hash",
)


def clients(rows: Iterable[Row]) -> tuple[Entries, Entries]:
    """Clients (host name and system), and labels (``client/label``)."""
    found: Entries = {}
    labels: Entries = {}
    for row in rows:
        client = row["client_id"]
        if client == "server":
            continue
        found[client] = digest([row["hostname"] or "", row["system"] or ""])
        labels |= {f"{client}/{label}": digest(label) for label in row["labels"] or []}
    return found, labels


def client_metadata(rows: Iterable[Row]) -> Entries:
    """``client/field`` → its value; empty fields are the server's defaults and don't count."""
    return {
        f"{row['client_id']}/{name}": value
        for row in rows
        if row["client_id"] != "server"
        for name, value in server_metadata(row["metadata"]).items()
    }


def server_metadata(metadata: Row | None) -> Entries:
    """``field`` → its value; empty fields are the server's defaults and don't count."""
    return {name: digest(value) for name, value in (metadata or {}).items() if value}


def artifacts(rows: Iterable[Row]) -> tuple[Entries, Entries]:
    """The org's own artifacts (their text), and tags and flags of any artifact.

    An org has every artifact of the root org, built-in ones too, with the root org's tags or with
    its own. Internal artifacts are hidden by default: that is no flag that anybody set.
    """
    own: Entries = {}
    tags: Entries = {}
    for row in rows:
        if not row["built_in"] and not row.get("is_inherited"):
            own[row["name"]] = digest(str(row["raw"]).strip())
        metadata = cleaned(row["metadata"])
        if metadata and str(row["type"]).lower() != "internal":
            tags[row["name"]] = digest(metadata)
    return own, tags


def hunts(rows: Iterable[Row]) -> tuple[Entries, Entries]:
    """Hunts (what a backup holds of them), and their parameters and limits."""
    found: Entries = {}
    parameters: Entries = {}
    for row in rows:
        request = row["start_request"] or {}
        found[row["hunt_id"]] = digest(
            [
                row["hunt_description"] or "",
                sorted(request.get("artifacts") or []),
                row["expires"],
                sorted(row["tags"] or []),
                cleaned(row["condition"]),
            ]
        )
        limits = {name: request[name] for name in _LIMITS if request.get(name)}
        parameters[row["hunt_id"]] = digest([cleaned(request.get("specs") or []), limits])
    return found, parameters


def hunt_results(rows: Iterable[Row]) -> Entries:
    """``hunt/client/flow``: which flow of which client belongs to which hunt."""
    return {
        key: digest(key)
        for key in (f"{row['HuntId']}/{row['ClientId']}/{row['FlowId']}" for row in rows)
    }


def flows(rows: Iterable[Row]) -> Entries:
    """``client/flow`` → artifacts with results and number of rows, of flows that have ended."""
    return {
        f"{row['Client']}/{row['session_id']}": digest(
            [sorted(row["artifacts_with_results"] or []), int(row["total_collected_rows"] or 0)]
        )
        for row in rows
        if row["state"] in _ENDED
    }


def flows_with_uploads(rows: Iterable[Row]) -> list[dict[str, str]]:
    """The ended flows whose uploads are worth asking for."""
    return [
        {"Client": row["Client"], "Flow": row["session_id"]}
        for row in rows
        if row["state"] in _ENDED and row["total_uploaded_files"]
    ]


def uploads(rows: Iterable[Row]) -> Entries:
    """``client/flow/path`` → its size in bytes, as text; the path is that below ``uploads``."""
    found: Entries = {}
    for row in rows:
        path = str(row["vfs_path"]).rsplit("/uploads/", 1)[-1]
        kind = f" ({row['Type']})" if row.get("Type") else ""
        found[f"{row['Client']}/{row['Flow']}/{path}{kind}"] = str(row["uploaded_size"] or 0)
    return found


def notebooks(rows: Iterable[Row]) -> Entries:
    """Notebooks: name, description, who may see them, and the inputs of their cells."""
    return {
        row["notebook_id"]: digest(
            [
                row["name"] or "",
                row["description"] or "",
                sorted(row["collaborators"] or []),
                bool(row["public"]),
                [[cell.get("type"), cell.get("input")] for cell in row["cells"] or []],
            ]
        )
        for row in rows
    }


def client_monitoring(table: Row | None) -> Entries:
    """``label/artifact`` (``all clients`` for no label) → its parameters."""
    table = table or {}
    found = {f"all clients/{key}": value for key, value in _collected(table.get("artifacts"))}
    for event in table.get("label_events") or []:
        found |= {f"{event['label']}/{key}": value for key, value in _collected(event["artifacts"])}
    return found


def server_monitoring(table: Row | None) -> Entries:
    """``artifact`` → its parameters."""
    return dict(_collected(table))


def _collected(request: Row | None) -> Iterable[tuple[str, str]]:
    request = request or {}
    specs = {
        spec["artifact"]: cleaned(spec.get("parameters")) for spec in request.get("specs") or []
    }
    for name in request.get("artifacts") or []:
        yield name, digest(specs.get(name) or {})


def tools(rows: Iterable[Row]) -> Entries:
    """``name``, or ``name version`` → where the tool comes from, and what its file must be."""
    return {
        f"{row['name']} {row['version'] or ''}".rstrip(): digest(
            cleaned({name: row.get(name) for name in _OF_TOOL})
        )
        for row in rows
    }


def secrets(rows: Iterable[Row]) -> Entries:
    """``type/name`` → who may use it (its encrypted form is read from the datastore)."""
    found: Entries = {}
    for row in rows:
        for secret in row["secrets"]:
            users, orgs = sorted(secret.get("users") or []), sorted(secret.get("orgs") or [])
            everywhere = bool(secret.get("visible_to_all_orgs"))
            found[f"{row['type_name']}/{secret['name']}"] = digest([users, orgs, everywhere])
    return found
