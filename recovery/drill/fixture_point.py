"""A recovery point out of files that were kept by hand: package, config, backup, exports."""

import io
import json
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import yaml

from recovery.drill.fixture_files import (
    BACKUP,
    CONFIG,
    FLOWS,
    HUNT,
    ORGS,
    backup_rows,
    fixture,
    flow,
    org_nonce,
)
from recovery.drill.fixture_inventory import fixture_inventory
from recovery.drill.names import Run
from recovery.small_tar import tar_of
from recovery.vault.manifest import (
    Archive,
    Backup,
    Manifest,
    OrgState,
    Package,
    Server,
    StoredObject,
)
from recovery.vault.store import Vault
from recovery.velociraptor.config import ServerConfig

_POLL = 1


def moved_config(run: Run) -> ServerConfig:
    """The fixtures' own config, newer than the package's: same keys, the drill's name."""
    values: dict[str, Any] = yaml.safe_load(fixture(CONFIG).read_bytes())
    values["Client"] |= {
        "server_urls": [f"https://{run.server_name}:{values['Frontend']['bind_port']}/"],
        "max_poll": _POLL,
        "max_poll_std": _POLL,
    }
    values["Frontend"] |= {"hostname": run.server_name, "bind_address": "0.0.0.0"}  # noqa: S104
    raw = yaml.safe_dump(values, sort_keys=False).encode()
    return ServerConfig.parse(raw, source="the fixtures' config")


def make_point(
    vault: Vault,
    package: Path,
    version: str,
    kind: Literal["reference", "velociraptor"],
    config: ServerConfig,
) -> Manifest:
    """Puts everything into the vault and commits the manifest; what was never kept is a gap."""
    original = ServerConfig.parse(fixture(CONFIG).read_bytes(), source=CONFIG)
    now = datetime.now(UTC)
    manifest = Manifest(
        point=f"{now:%Y%m%dT%H%M%SZ}-f1x7e5",
        captured_at=now,
        finished_at=now,
        parts=["redeploy", "backup", "collections"],
        server=Server(
            kind=kind,
            version=version,
            deployment=original.deployment,
            uri="fixtures",
            server_urls=config.server_urls,
        ),
        package=Package(
            file=_store(vault, package.read_bytes(), package.name),
            version=package.name.split("_")[1],
            config_fingerprint=original.fingerprint,
            origin="kept",
        ),
        config=_store(vault, config.raw, "server.config.yaml"),
        config_newer=True,
        state=[_org_records(vault)],
        backups=[_backup(vault)],
        archives=[*(_flow(vault, name) for name in FLOWS), _hunt(vault)],
        inventory=fixture_inventory(original),
        org_names={"root": "<root>", **ORGS},
    )
    vault.commit(manifest)
    return manifest


def _store(vault: Vault, content: bytes, name: str) -> StoredObject:
    return vault.put(io.BytesIO(content), name)


def _org_records(vault: Vault) -> OrgState:
    """The other orgs' records with their nonces, as the server itself keeps them."""
    records = {
        f"orgs/{org}.json.db": json.dumps(
            {"name": name, "nonce": org_nonce(org), "id": org}
        ).encode()
        for org, name in ORGS.items()
    }
    return OrgState(
        org="root",
        tar=_store(vault, tar_of(records), "state root"),
        files=len(ORGS),
        client_list="written by the server",
    )


def _backup(vault: Vault) -> Backup:
    rows = [row for org in ("root", *ORGS) for row in backup_rows(org, "client_info")]
    return Backup(
        org="root",
        file=_store(vault, fixture(BACKUP).read_bytes(), f"backup root {BACKUP}"),
        made_at=datetime.fromtimestamp(max(row.get("ping", 0) for row in rows) / 1e6, UTC),
        fresh=False,
    )


def _flow(vault: Vault, name: str) -> Archive:
    content = flow(name)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        context: dict[str, Any] = json.loads(archive.read("collection_context.json"))
        host = json.loads(archive.read("client_info.json"))["hostname"]
    return Archive(
        kind="flow",
        org="root",
        file=_store(vault, content, name),
        hostname=host,
        client_id=context["client_id"],
        flow_id=context["session_id"],
        artifacts=_names(context),
        rows=context["total_collected_rows"],
        upload_bytes=context.get("total_uploaded_bytes", 0),
    )


def _hunt(vault: Vault) -> Archive:
    with zipfile.ZipFile(fixture(HUNT)) as archive:
        hunt: dict[str, Any] = json.loads(archive.read("hunt_info.json"))
    return Archive(
        kind="hunt",
        org="root",
        file=_store(vault, fixture(HUNT).read_bytes(), HUNT),
        hunt_id=hunt["hunt_id"],
    )


def _names(context: dict[str, Any]) -> list[str]:
    found: Sequence[str] = context.get("artifacts_with_results") or []
    return list(found)
