"""One server process: its datastore, its orgs, its jobs."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from server_app.datastore.store import DiskFullError, Store
from server_app.services.artifacts import Definition
from server_app.services.background import Background, log
from server_app.services.directory import Directory
from server_app.services.disk_artifacts import read_disk_artifacts
from server_app.services.errors import OrgNotFound, ServiceError
from server_app.services.first_start import first_start
from server_app.services.org import OrgServices
from server_app.services.orgs import ROOT, ROOT_NAME, Orgs

_MINIMUM_FREE_MEGABYTES = 50
_DISK_CHECK_SECONDS = 20.0
_ORG_SCAN_SECONDS = 10.0
_DISK_FULL = (
    "FileBaseDataStore: Insufficient free disk space! We need at least %d Mb but we have %d!. "
    "Disabling write operations to avoid file corruption. Free some disk space or grow the "
    "partition."
)


class Server:
    """Holds the orgs; see `start`. Without `start` it serves the command line only."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.config = config
        datastore = config.get("Datastore") or {}
        folders = [datastore.get("location"), datastore.get("filestore_directory")]
        self.root, self.files = (Path(one or folders[0] or folders[1] or ".") for one in folders)
        minimum = int(datastore.get("min_allowed_file_space_mb") or _MINIMUM_FREE_MEGABYTES)
        self.store = Store(self.root, files=self.files, minimum_free_megabytes=minimum)
        self.writes_late = "Memcache" in str(datastore.get("implementation") or "")
        """Whether backups reach the disk after their answer, as on a real memcache datastore."""
        self.started = False
        self.disk_artifacts: dict[str, Definition] = {}
        self.background = Background()
        self.directory = Directory(self.store)
        self.orgs = Orgs(self)
        self._services: dict[str, OrgServices] = {}

    def org(self, org_id: str) -> OrgServices:
        """The services of an org; "" and "root" are the root org. Raises OrgNotFound."""
        org_id = org_id or ROOT
        if org_id not in self._services:
            self._services[org_id] = self._open(org_id)
        return self._services[org_id]

    def _open(self, org_id: str) -> OrgServices:
        if org_id == ROOT:
            nonce = (self.config.get("Client") or {}).get("nonce", "")
            return OrgServices(self, ROOT, ROOT_NAME, nonce, self.store)
        record = self.orgs.stored(org_id)
        if record is None:
            raise OrgNotFound
        store = Store(
            self.root / "orgs" / org_id,
            files=self.files / "orgs" / org_id,
            minimum_free_megabytes=self.store.minimum_free_megabytes,
        )
        return OrgServices(self, org_id, record.get("name", ""), record["nonce"], store)

    def forget(self, org_id: str) -> None:
        """Drops a deleted org."""
        self._services.pop(org_id, None)

    def loaded(self) -> list[OrgServices]:
        """Orgs in use, root first, then by name."""
        return sorted(self._services.values(), key=lambda org: (org.org_id != ROOT, org.name))

    def start(self) -> None:
        """Loads everything and starts the jobs. Raises ServiceError: disk too full, no access."""
        self._check_disk()
        try:
            self.store.require_space()
        except DiskFullError as error:
            raise ServiceError(f"starting frontend: {error}") from error
        self.disk_artifacts = read_disk_artifacts(self.config)
        self.started = True
        try:
            self.directory.load()
            self.org(ROOT).start()
            self.orgs.scan()
            first_start(self)
        except OSError as error:
            raise ServiceError(f"the datastore cannot be read or written: {error}") from error
        self.background.every("org scan", _ORG_SCAN_SECONDS, self.orgs.scan)
        datastore = self.config.get("Datastore") or {}
        pause = float(datastore.get("disk_check_frequency_sec") or _DISK_CHECK_SECONDS)
        if pause > 0:
            self.background.every("disk check", pause, self._check_disk)

    def _check_disk(self) -> None:
        was_full = self.store.full
        free = self.store.check_space()
        if self.store.full and not was_full:
            log.error(_DISK_FULL, self.store.minimum_free_megabytes, free)
        for org in self.loaded():
            org.store.check_space()

    def close(self) -> None:
        """Ends the jobs and saves what is only in memory. May be called again."""
        if not self.started:
            return
        self.background.stop()
        for org in self.loaded():
            org.close()
        self.started = False

    @staticmethod
    def now() -> float:
        return time.time()
