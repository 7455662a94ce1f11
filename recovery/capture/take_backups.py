"""Velociraptor's own backups: the newest one of every org, and a fresh one.

A fresh backup also holds the client list as it is in the server's memory, which the disk
may lack for five minutes (facts: client_info_write_time).
"""

import re
import shutil
import tempfile
import time
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from typing import IO, Any

from recovery.capture.check_zip import DamagedZipError, check_zip
from recovery.capture.datastore_files import (
    StoredFile,
    folder_argv,
    org_folder,
    org_of,
    parse_listing,
)
from recovery.capture.read_files import FileOnWire, read_files
from recovery.capture.scene import CaptureScene
from recovery.counts import things
from recovery.errors import ServerError
from recovery.vault.manifest import Backup
from recovery.velociraptor.account_files import cleaned
from recovery.velociraptor.api import ROOT
from recovery.velociraptor.backup_file import read_rows

_BACKUP = "SELECT OrgId, Name, Error, Message FROM backup(name=Name)"
_PARTS = ("acls", "client_info", "custom_artifacts", "hunts", "notebooks")
_OURS = "recovery-"
_LEFT = re.compile(rf"(?:^|/)backups/{_OURS}(?P<at>\d{{8}}T\d{{6}}Z)-[0-9a-f]{{6}}\.zip$")
_FORM = "%Y%m%dT%H%M%SZ"
_LONG_AGO = timedelta(hours=6)
_SECONDS = 300.0
"""For one org's backup: that of 10,000 clients takes one second (facts: Timings)."""
_IMPATIENT = 15.0
_LATE = 20.0
"""Beyond the time that a server with a memcache datastore needs by its settings."""
_HUNG = ("Timeout Error", "DEADLINE_EXCEEDED")
_SPOOL = 16 << 20


@dataclass
class TakenBackups:
    """``kept``: what goes into the manifest; ``clients``: org → rows of its list in memory.

    ``tags``: org → custom artifact → its tags and flags as they are in memory.
    """

    kept: list[Backup] = field(default_factory=list)
    clients: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    tags: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)


def take_backups(scene: CaptureScene) -> TakenBackups:
    """Makes a fresh backup in every org, reads it and the newest ones found, checks them all.

    What the server says of success is not believed: each zip is opened and every member's
    CRC and presence checked. A backup that fails is a gap, not the end of the capture.
    """
    if not (scene.wants("state") or scene.wants("backup")):
        return TakenBackups()
    there = _list_backups(scene)
    fresh = _make_fresh(scene, f"{_OURS}{scene.point}")
    try:
        found = _newest_found(scene, there) if scene.wants("backup") else {}
        return _Reader(scene, fresh, found).read()
    finally:
        _remove(scene, [*fresh.values(), *left_behind(there, datetime.now(UTC))])


def _make_fresh(scene: CaptureScene, name: str) -> dict[str, str]:
    """Org → path of its new backup. The root org's holds every org.

    The name is this capture's alone, and each org has a file of its own: on a full disk a second
    backup of one name never ends, nor does any later one of that org (seen on 0.77.2). Where
    somebody else has brought a server to that, the other orgs aren't waited for as long.
    """
    made = {}
    patience = _SECONDS
    for org in scene.orgs:
        try:
            rows = scene.api.query(
                _BACKUP, env={"Name": name}, org=org, min_rows=1, timeout=patience
            )
        except ServerError as refused:
            if any(mark in refused.message for mark in _HUNG):
                scene.gap(_hung(org, patience))
                patience = _IMPATIENT
            else:
                why = refused.message.rsplit("`: ", 1)[-1]
                scene.gap(f"{org}: no fresh backup could be made: {why}")
            continue
        made[org] = f"{org_folder(org)}backups/{name}.zip"
        for row in rows:
            if row.get("Error"):
                scene.gap(f"{org}: fresh backup: {row['OrgId']} {row['Name']}: {row['Error']}")
    return made


def _hung(org: str, patience: float) -> str:
    return (
        f"{org}: no fresh backup could be made: the server did not end it within {patience:.0f} s; "
        "a disk that was full may have stopped its backups for good, its own daily ones too: make "
        "space, then restart the server"
    )


def _list_backups(scene: CaptureScene) -> list[StoredFile]:
    listing = scene.target.run(folder_argv(scene.files, "backups", ".zip"), timeout=300)
    return parse_listing(listing.stdout)


def left_behind(files: Sequence[StoredFile], now: datetime) -> list[str]:
    """The backups of captures that were killed: begun hours before ``now``, by their names."""
    before = f"{now - _LONG_AGO:{_FORM}}"
    ours = ((file.path, _LEFT.search(file.path)) for file in files)
    return [path for path, name in ours if name and name["at"] < before]


def _newest_found(scene: CaptureScene, there: Sequence[StoredFile]) -> dict[str, list[StoredFile]]:
    """Org → its backups on the server, the newest first."""
    found: dict[str, list[StoredFile]] = {}
    for file in sorted(there, key=lambda file: -file.changed):
        ours = PurePosixPath(file.path).name.startswith(_OURS)  # or another capture's, under way
        if not ours and org_of(file.path) in scene.orgs:
            found.setdefault(org_of(file.path), []).append(file)
    return found


class _Reader:
    """Reads backups off the server's disk. ``fresh``: org → path; ``found``: newest first."""

    def __init__(
        self, scene: CaptureScene, fresh: dict[str, str], found: dict[str, list[StoredFile]]
    ) -> None:
        self._scene = scene
        self._fresh = fresh
        self._found = found
        self.taken = TakenBackups()

    def read(self) -> TakenBackups:
        good = self._read_fresh()
        for org, path in self._fresh.items():
            if path not in good:
                self._scene.gap(f"{org}: no usable fresh backup; is the server's disk full?")
        left = {org: list(files) for org, files in self._found.items()}
        while left:
            good = self._stream([files[0].path for files in left.values()])
            # A damaged newest backup: the one before it is tried.
            left = {
                org: files[1:]
                for org, files in left.items()
                if files[0].path not in good and files[1:]
            }
        return self.taken

    def _read_fresh(self) -> set[str]:
        """The fresh ones that were good. A server that writes late is given its time for it.

        What it acknowledged before the capture began is on its disk then, too.
        """
        paths = list(self._fresh.values())
        delay = self._scene.config.write_delay
        if not delay or not paths:
            return self._stream(paths)
        deadline = time.monotonic() + delay + _LATE
        time.sleep(delay)
        while time.monotonic() < deadline and (left := self._not_there(paths)):
            self._scene.say(f"not on the server's disk yet: {things(len(left), 'fresh backup')}")
            time.sleep(1)
        return self._stream(paths)

    def _not_there(self, paths: list[str]) -> list[str]:
        argv = folder_argv(self._scene.files, "backups", ".zip")
        listing = self._scene.target.run(argv, timeout=300).stdout
        there = {file.path for file in parse_listing(listing) if file.size}
        return [path for path in paths if path not in there]

    def _stream(self, paths: list[str]) -> set[str]:
        """Reads ``paths`` in one stream; those that were good."""
        good = set()
        with read_files(self._scene.target, self._scene.files, paths) as files:
            for file in files:
                with tempfile.SpooledTemporaryFile(max_size=_SPOOL) as zipped:
                    shutil.copyfileobj(file.content, zipped, 1 << 20)
                    zipped.seek(0)
                    if self._take(file, zipped):
                        good.add(file.path)
        return good

    def _take(self, file: FileOnWire, zipped: IO[bytes]) -> bool:
        scene = self._scene
        org, is_fresh = org_of(file.path), file.path in self._fresh.values()
        name = PurePosixPath(file.path).name
        held = scene.orgs if org == ROOT and is_fresh else [org]
        needs = [f"orgs/{each}/{part}.json" for each in held for part in _PARTS]
        try:
            check_zip(zipped, needs=needs)
        except DamagedZipError as damaged:
            scene.gap(f"{org}: backup {name} is not usable: {damaged}")
            return False
        if is_fresh:
            self.taken.clients[org] = _rows(zipped, org, "client_info")
            self.taken.tags[org] = {
                str(row["artifact"]): cleaned(row.get("metadata") or {})
                for row in _rows(zipped, org, "custom_artifacts")
            }
        # The root org's fresh one is always kept: it is of the same minute as the state.
        asked = not is_fresh or scene.options.backup_now or org == ROOT or org not in self._found
        if scene.wants("backup") and asked:
            zipped.seek(0)
            stored = scene.vault.put(zipped, f"backup {org} {name}")
            made = datetime.fromtimestamp(file.changed, UTC)
            self.taken.kept.append(Backup(org=org, file=stored, made_at=made, fresh=is_fresh))
        return True


def _rows(zipped: IO[bytes], org: str, part: str) -> list[dict[str, Any]]:
    zipped.seek(0)
    with zipfile.ZipFile(zipped) as archive:
        return read_rows(archive, f"orgs/{org}/{part}.json")


def _remove(scene: CaptureScene, paths: list[str]) -> None:
    """Takes our own backups off the server again."""
    if paths:
        full = [f"{scene.files}/{path}" for path in paths]
        scene.target.run(["rm", "-f", "--", *full])
