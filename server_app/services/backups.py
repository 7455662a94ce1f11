"""Backups: what a server writes once a day or on request, and what restoring them really does.

Facts: "backup() and backup_restore()". A zip in the org's ``backups/``; the root org's holds all
orgs. Of what a server knows, much is not in it.
"""

from __future__ import annotations

import io
import os
import re
import threading
import time
import zipfile
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from server_app.datastore import folders
from server_app.datastore.store import DiskFullError
from server_app.services.background import log
from server_app.services.backup_providers import PROVIDERS, Provider, members
from server_app.services.errors import ServiceError
from server_app.services.zips import BROKEN, ZipWriter
from server_app.vql.values import regex_fault

if TYPE_CHECKING:
    from pathlib import Path

    from server_app.services.org import OrgServices

Row = dict[str, Any]
_LATE_SECONDS = 2.0


class Backups:
    """The backups of an org."""

    def __init__(self, org: OrgServices) -> None:
        self._org = org
        self._lock = threading.Lock()

    def path(self, name: str) -> Path:
        """``<datastore>/backups/<name>.zip``; ".zip" is added whatever the name is."""
        if not name:
            return self._org.store.path("backups", suffix=".zip")
        return self._org.store.path("backups", name, suffix=".zip")

    def scheduled(self) -> None:
        """The timer's backup. None is ever removed."""
        name = time.strftime("backup_%Y-%m-%dT%H_%M_%SZ", time.gmtime())
        try:
            for row in self.create(name):
                log.info("backup %s: %s %s", row["OrgId"], row["Name"], row["Message"])
        except ServiceError as error:
            log.warning("backup of %s failed: %s", self._org.org_id, error)

    def create(self, name: str) -> Iterator[Row]:
        """Writes a backup; returns its rows. Raises ServiceError where the disk is known to be
        full. Where it fills up while writing, every row says success and the file has 0 bytes.
        """
        with self._lock:
            started = time.monotonic()
            try:
                self._org.store.require_space()
                path = self.path(name)
                folders.make(path.parent)
                if not self._org.server.writes_late:
                    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
            except (DiskFullError, ValueError) as error:
                raise ServiceError(str(error)) from error
            except OSError as error:
                raise ServiceError(f"open {path}: {error.strerror}") from error
            rows, content = self._written()
            if self._org.server.writes_late:
                self._org.server.background.run("backup", lambda end: _later(end, path, content))
            else:
                _write(path, content)
            took = time.monotonic() - started
        shown = f'"{name}"' if "/" in name else name
        shown = f"/{shown}" if shown else ""
        done = f"Completed Backup to fs:/backups{shown}.zip (size {len(content)}) in {took:.6f}s"
        return iter([*rows, _row("", "BackupService", done)])

    def _written(self) -> tuple[list[Row], bytes]:
        buffer = io.BytesIO()
        writer = ZipWriter(buffer)
        rows = []
        for org in self._org.server.loaded() if self._org.is_root else [self._org]:
            # An org's own backup puts its artifacts at the zip's root, where restoring does not
            # look (facts: "A backup made inside another org …").
            artifacts = f"orgs/{org.org_id}/" if self._org.is_root else ""
            for provider in PROVIDERS:
                number = provider.write(org, writer, f"orgs/{org.org_id}/", artifacts)
                rows.append(_row(org.org_id, provider.name, f"Wrote {number} rows"))
        writer.close()
        return rows, buffer.getvalue()

    def restore(self, name: str, *, providers: str = "", prefix: str = "") -> Iterator[Row]:
        """Restores into this org what the backup holds for it; a row a provider.

        Raises ServiceError where the zip cannot be opened. A provider pattern that matches none
        gives no rows. Nothing tells whether the backup is of this deployment.
        """
        path = self.path(name)
        try:
            chosen = [p for p in PROVIDERS if not providers or _named(providers, p.name)]
        except re.error as error:
            fault = f"error parsing regexp: {regex_fault(providers)}"
            raise ServiceError(f"Providers regex expression invalid: {fault}") from error
        try:
            archive = zipfile.ZipFile(path)
        except FileNotFoundError as error:
            raise ServiceError(f"open {path}: no such file or directory") from error
        except BROKEN as error:
            raise ServiceError("zip: not a valid zip file") from error
        with archive:
            folder = prefix or f"orgs/{self._org.org_id}"
            rows = [self._feed(provider, archive, folder) for provider in chosen]
        return iter(rows)

    def _feed(self, provider: Provider, archive: zipfile.ZipFile, folder: str) -> Row:
        member = f"{folder}/{provider.member}"
        if member not in archive.namelist():
            row = _row(self._org.org_id, provider.name, "")
            clean = all(part not in ("", ".", "..") for part in member.split("/"))
            fault = "file does not exist" if clean else "invalid argument"
            return {**row, "Error": f"open {member}: {fault}"}
        rows = members(archive, member)
        message, warnings = provider.restore(self._org, rows, archive, folder)
        return {**_row(self._org.org_id, provider.name, message), "Warnings": warnings or None}


def _later(end: threading.Event, path: Path, content: bytes) -> None:
    """As a memcache datastore does it: seen on a real server up to three seconds afterwards."""
    end.wait(_LATE_SECONDS)
    _write(path, content)


def _write(path: Path, content: bytes) -> None:
    """What a full disk leaves has 0 bytes."""
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
        path.write_bytes(content)
    except OSError as error:
        log.error("backup %s: %s", path, error)
        path.write_bytes(b"")


def _named(pattern: str, name: str) -> bool:
    return re.search(pattern, name, re.IGNORECASE) is not None


def _row(org_id: str, name: str, message: str) -> Row:
    return {"OrgId": org_id, "Name": name, "Error": "", "Warnings": None, "Message": message}
