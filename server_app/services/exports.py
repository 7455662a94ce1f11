"""Exports of flows and hunts as zip files under ``downloads/``, and their import.

Facts: "Exports and imports". Beside each zip lies a record with its size and hash.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from server_app.datastore import chunks, folders, names, records, tables
from server_app.services.errors import ServiceError
from server_app.services.imports import Importer
from server_app.services.zips import ZipWriter

if TYPE_CHECKING:
    from server_app.services.org import OrgServices

Log = Callable[[str], None]
_FORMATS = frozenset({"", "json", "jsonl", "csv", "csv_only"})


class Exports:
    """What leaves an org as a zip, and what comes in as one."""

    def __init__(self, org: OrgServices) -> None:
        self._org = org

    def flow(
        self,
        client_id: str,
        flow_id: str,
        *,
        wait: bool,
        password: str = "",
        name: str = "",
        format: str = "",  # noqa: A002
        expand_sparse: bool = False,
        log: Log,
    ) -> str:
        """Writes a flow's zip; returns its path in the file store. A flow that doesn't exist
        still gives a valid, nearly empty zip. It is always complete on return.
        """
        del wait, expand_sparse
        _check_format(format)
        if not client_id or not flow_id:
            raise ServiceError("Client Id and Flow Id should be specified.")
        host = self._org.clients.hostname(client_id)
        usual = f"{host + '-' if host else ''}{client_id}-{flow_id}{'_locked' if password else ''}"

        def fill(writer: ZipWriter) -> None:
            self._add_flow(writer, client_id, flow_id, "", log)

        place = ("downloads", client_id, flow_id)
        return self._write(place, name or usual, usual, password, fill)

    def hunt(
        self,
        hunt_id: str,
        *,
        wait: bool,
        only_combined: bool = False,
        password: str = "",
        base: str = "",
        format: str = "",  # noqa: A002
        expand_sparse: bool = False,
        log: Log,
    ) -> str:
        """Writes a hunt's zip with the flows of all who took part."""
        del wait, expand_sparse
        _check_format(format)
        if not hunt_id:
            raise ServiceError("Hunt Id should be specified.")
        hunt = self._org.hunts.get(hunt_id, request=True)
        if hunt is None:
            # As seen on a real server: the file is made before the hunt is looked for.
            empty = self._org.store.path("downloads", "hunts", hunt_id, hunt_id, suffix=".zip")
            self._org.store.write(empty, b"")
            raise ServiceError("Hunt not found")
        name = f"{base}{hunt_id}{'-summary' if only_combined else ''}"
        name += "_locked" if password else ""
        earlier = self._earlier_downloads(hunt_id)

        def fill(writer: ZipWriter) -> None:
            stats = {**hunt["stats"], **earlier}
            shown = records.spelled("Hunt", {**hunt, "stats": stats})
            writer.add("hunt_info.json", _indented(shown))
            pairs = self._org.hunts.participants(hunt_id)
            for source in hunt.get("artifact_sources", []):
                self._add_combined(writer, source, pairs)
            for client_id, flow_id in [] if only_combined else pairs:
                host = self._org.clients.hostname(client_id)
                self._add_flow(writer, client_id, flow_id, f"{host}-{client_id}/", log)

        return self._write(("downloads", "hunts", hunt_id), name, name, password, fill)

    def _earlier_downloads(self, hunt_id: str) -> dict[str, Any]:
        found = []
        folder = ("downloads", "hunts", hunt_id)
        for name in self._org.store.record_names(*folder):
            stats = self._org.store.load("ContainerStats", *folder, name)
            if stats:
                found.append(
                    {
                        "name": name,
                        "path": "/".join(stats.get("components", [])),
                        "type": stats.get("type", ""),
                        "complete": bool(stats.get("hash")),
                        "size": stats.get("total_compressed_bytes", 0),
                        "stats": stats,
                    }
                )
        return {"available_downloads": {"files": found}} if found else {}

    def _write(
        self,
        place: tuple[str, ...],
        name: str,
        stats_name: str,
        password: str,
        fill: Callable[[ZipWriter], None],
    ) -> str:
        store = self._org.store
        path = store.path(*place, name, suffix=".zip")
        started = time.monotonic_ns()
        try:
            store.require_space()
            folders.make(path.parent)
            with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".tmp-") as stream:
                writer = ZipWriter(stream, password=password)
                fill(writer)
                writer.close()
                stream.flush()
                Path(stream.name).rename(path)
                Path(stream.name).touch(mode=0o600)
        except (OSError, ValueError) as error:
            raise ServiceError(str(error)) from error
        data = path.read_bytes()
        stats = {
            "timestamp": int(time.time()),
            "total_uncompressed_bytes": writer.plain_bytes,
            "total_compressed_bytes": len(data),
            "total_container_files": writer.files,
            "hash": hashlib.sha256(data).hexdigest(),
            "total_duration": (time.monotonic_ns() - started) // 10**9,
            "components": [*place, name + ".zip"],
            "type": "zip",
            "error": "Complete",
        }
        store.save("ContainerStats", stats, *place, stats_name)
        return "/" + "/".join([*place, name + ".zip"])

    def _add_flow(
        self, writer: ZipWriter, client_id: str, flow_id: str, prefix: str, log: Log
    ) -> None:
        org = self._org
        bare = client_id.partition("-")[0]
        info = org.clients.record(client_id) or {"client_id": bare}
        writer.add(prefix + "client_info.json", _indented(records.compact("ClientInfo", info)))
        files = org.flows.files(client_id, flow_id)
        flow = org.flows.get(client_id, flow_id)
        if flow is not None:
            writer.add(prefix + "collection_context.json", _indented(flow))
        tasks = files.load_tasks()
        if tasks is not None:
            writer.add(prefix + "requests.json", _indented(tasks))
        writer.add(prefix + "log.json", _table_bytes(files.logs), stamped=False)
        for name in (flow or {}).get("artifacts_with_results", []):
            # Rows of an artifact that is no longer known are left out without a word, as a real
            # server does it (read in its source, and seen).
            if org.artifacts.get(name.partition("/")[0]) is None:
                continue
            member = names.in_zip(name)  # a named source: Artifact%2FSource, as seen there
            data = _table_bytes(files.results(name))
            writer.add(f"{prefix}results/{member}.json", data, stamped=False)
        self._add_uploads(writer, client_id, flow_id, prefix, log)

    def _add_uploads(
        self, writer: ZipWriter, client_id: str, flow_id: str, prefix: str, log: Log
    ) -> None:
        rows = []
        for row in tables.read(self._org.flows.files(client_id, flow_id).uploads):
            stored = row.get("_Components") or []
            inside = stored[4:]  # a row of the server's own says no more
            if own := row.get("_client_components"):
                inside = ["uploads", row.get("_accessor") or "auto", *own]
            end = ".idx" if row.get("Type") == "idx" else ""  # a sparse file's ranges, beside it
            source, target = "/" + "/".join(stored) + end, "/" + "/".join(inside) + end
            log(f"DEBUG: downloadFlowToZip: Copy file from {source} to {target}")
            try:
                with self._org.files.open(source) as stream:
                    member = "/".join(names.in_zip(part) for part in inside)
                    writer.add(prefix + member + end, stream.read())
            except OSError as error:
                log(f"downloadFlowToZip: {source}: {error}")
            rows.append({**row, "_Components": inside})
        writer.add_table(prefix + "uploads.json", rows)

    def _add_combined(self, writer: ZipWriter, source: str, pairs: list[tuple[str, str]]) -> None:
        lines = []
        for client_id, flow_id in pairs:
            fqdn = (self._org.clients.record(client_id) or {}).get("fqdn", "")
            extra = {"FlowId": flow_id, "ClientId": client_id, "Fqdn": fqdn}
            rows = self._org.flows.results(client_id, flow_id, source)
            lines += [tables.line({**row, **extra}) for row in rows]
        member = names.in_zip(f"All {source}")
        writer.add(f"results/{member}.json", b"".join(lines), stamped=False)

    def import_collection(
        self,
        open_zip: Callable[[], BinaryIO],
        *,
        display: str,
        client_id: str,
        hostname: str,
        import_type: str = "collection",
        password: str = "",
        accessor: str = "",
        log: Log,
    ) -> dict[str, Any]:
        """Imports a zip; returns the flow or the hunt (facts). Raises ServiceError."""
        importer = Importer(self._org, display, log, accessor)
        return importer.run(
            open_zip,
            client_id=client_id,
            hostname=hostname,
            import_type=import_type,
            password=password,
        )


def _check_format(given: str) -> None:
    if given not in _FORMATS:
        raise ServiceError(
            f"Unknown format parameter {given} either 'json', 'jsonl', 'csv' or 'csv_only'."
        )


def _table_bytes(path: Path) -> bytes:
    return chunks.read(path) if path.is_file() else b""


def _indented(record: Any) -> bytes:
    text = json.dumps(record, indent=1, ensure_ascii=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026").encode()
