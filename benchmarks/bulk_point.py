"""Large recovery points made by hand: thousands of archives, a hundred thousand clients."""

from __future__ import annotations

import io
import json
import os
import subprocess
import tarfile
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from recovery.vault.manifest import Archive, Manifest, OrgState, Package, Server
from recovery.vault.store import Vault
from recovery.velociraptor.config import ServerConfig
from recovery.velociraptor.inventory import ITEMS, Inventory
from server_deb.build import BuildRequest, build_package

CLIENT = "C.cad7afe0171b436e"
ARTIFACT = "Custom.Bench.Rows"
DEFINITION = f"name: {ARTIFACT}\nsources:\n  - query: SELECT * FROM range(end=10)\n"
ROWS = 100
_MERGE = {
    "Client": {"server_urls": ["https://127.0.0.1:8000/"], "use_self_signed_ssl": True},
    "Frontend": {"hostname": "localhost"},
    "API": {"bind_address": "127.0.0.1", "hostname": "localhost"},
    "GUI": {"bind_address": "127.0.0.1", "public_url": "https://localhost:8889/app/index.html"},
    "Datastore": {
        "implementation": "FileBaseDataStore",
        "location": "/var/lib/velociraptor",
        "filestore_directory": "/var/lib/velociraptor",
    },
    "defaults": {"backup_period_seconds": -1},
}


def flow_zip(number: int) -> tuple[str, bytes]:
    """The id and the export of a flow with a hundred rows, none like another."""
    flow = f"F.BENCH{number:07d}"
    at = 1_795_000_000_000_000 + number
    request = {"client_id": CLIENT, "artifacts": [ARTIFACT], "creator": "bench"}
    context = {
        "client_id": CLIENT,
        "session_id": flow,
        "request": request,
        "create_time": at,
        "start_time": at,
        "active_time": at,
        "state": "FINISHED",
        "artifacts_with_results": [ARTIFACT],
        "total_collected_rows": ROWS,
    }
    rows = (
        json.dumps({"Pid": row, "Name": f"process-{row}", "CommandLine": os.urandom(40).hex()})
        for row in range(ROWS)
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("collection_context.json", json.dumps(context))
        archive.writestr("client_info.json", json.dumps({"client_id": CLIENT, "hostname": "b"}))
        archive.writestr("requests.json", "{}")
        archive.writestr("log.json", '{"message":"done"}\n')
        archive.writestr(f"results/{ARTIFACT}.json", "\n".join(rows) + "\n")
    return flow, out.getvalue()


def make_config(binary: Path, folder: Path) -> ServerConfig:
    merge = folder / "merge.json"
    merge.write_text(json.dumps(_MERGE))
    argv = [str(binary), "config", "generate", "--merge_file", str(merge)]
    return ServerConfig.parse(subprocess.run(argv, capture_output=True, check=True).stdout)


def make_point(
    vault: Vault, binary: Path, config: ServerConfig, folder: Path, flows: int, clients: int
) -> Manifest:
    """A recovery point with so many flows' archives, and the state of so many clients."""
    built = build_package(BuildRequest(binary=binary, config=config.raw, output=folder / "package"))
    archives = []
    for number in range(flows):
        flow, raw = flow_zip(number)
        archives.append(
            Archive(
                kind="flow",
                org="root",
                file=vault.put(io.BytesIO(raw), f"{flow}.zip"),
                client_id=CLIENT,
                flow_id=flow,
                rows=ROWS,
            )
        )
    state = []
    if clients:
        path = folder / "state.tar"
        with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
            for name, content in _state(clients):
                entry = tarfile.TarInfo(name)
                entry.size, entry.mode = len(content), 0o600
                tar.addfile(entry, io.BytesIO(content))
        with path.open("rb") as stream:
            stored = vault.put(stream, "state root.tar")
        state = [OrgState(org="root", tar=stored, files=1, client_list="written by the server")]
    now = datetime.now(UTC)
    with built.path.open("rb") as stream:
        package = vault.put(stream, built.path.name)
    manifest = Manifest(
        point=f"{now:%Y%m%dT%H%M%SZ}-b{flows % 1000:03d}{clients % 100:02d}",
        captured_at=now,
        finished_at=now,
        parts=["redeploy", "state", "collections"],
        server=Server(
            kind="velociraptor",
            version=built.version,
            deployment=config.deployment,
            uri="bench",
            server_urls=config.server_urls,
        ),
        package=Package(
            file=package,
            version=built.version,
            config_fingerprint=config.fingerprint,
            origin="kept",
        ),
        config=vault.put(io.BytesIO(config.raw), "server.config.yaml"),
        config_newer=False,
        state=state,
        archives=archives,
        inventory=Inventory(orgs={"root": {item: {} for item in ITEMS}}),
        org_names={"root": "<root>"},
    )
    vault.commit(manifest)
    return manifest


def _state(clients: int) -> Iterator[tuple[str, bytes]]:
    """What a capture takes of each client: key, metadata, and its line in the list."""
    lines = []
    for number in range(clients):
        ident = f"C.{number:016x}"
        yield f"clients/{ident}/key.db", os.urandom(294)
        yield f"clients/{ident}/metadata.json.db", b'{"items":[{"key":"owner","value":"ops"}]}'
        info = f"\x0a\x12{ident}".encode().hex()
        lines.append(json.dumps({"client_id": ident, "info": info}))
    yield "client_info/snapshot.json", ("\n".join(lines) + "\n").encode()
    index = b"".join((place << 40).to_bytes(8, "little") for place in range(clients))
    yield "client_info/snapshot.json.index", index
