"""Every org's state as one tar, read from a running server.

The files come in one stream. A record that the server was just writing is read again; the
client list on disk, which may be minutes old, is replaced by the one of a fresh backup.
"""

import io
import json
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import IO, Any

from recovery.capture.client_record import client_list
from recovery.capture.datastore_files import (
    StoredFile,
    choose_state,
    org_folder,
    org_of,
    parse_listing,
    state_argv,
)
from recovery.capture.read_files import read_files
from recovery.capture.scene import CaptureScene
from recovery.capture.take_backups import TakenBackups
from recovery.vault.manifest import OrgState
from recovery.velociraptor.state_paths import is_client_list, record_of
from recovery.velociraptor.stored_names import is_json

_ATTEMPTS = 3
_IN_MEMORY = 16 << 20
_CHUNK = 1 << 20


class OrgTar:
    """The tar of one org's state: plain files, owner and mode left to whoever unpacks it."""

    def __init__(self, into: IO[bytes]) -> None:
        self._file = into
        self._tar = tarfile.open(fileobj=into, mode="w", format=tarfile.PAX_FORMAT)  # noqa: SIM115
        self.names: set[str] = set()
        self.client_list: dict[str, bytes] = {}
        """The list and its index as they are on disk."""
        self.tags = b""
        """Tags and flags of artifacts as they are on disk."""

    def add(self, path: str, size: int, changed: float, content: IO[bytes]) -> None:
        entry = tarfile.TarInfo(path)
        entry.size, entry.mtime, entry.mode = size, int(changed), 0o600
        self._tar.addfile(entry, content)
        self.names.add(path)

    def finish(self) -> IO[bytes]:
        self._tar.close()
        self._file.seek(0)
        return self._file


def capture_state(scene: CaptureScene, backups: TakenBackups) -> list[OrgState]:
    """One :class:`OrgState` an org; ``backups`` has what is in the memory only.

    An org without a fresh client list gets the list on disk, and a gap that says so.
    """
    clients = backups.clients
    listing = list_state(scene)
    chosen = choose_state(listing)
    old_lists = [file.path for file in listing if is_client_list(file.path)]
    wanted = [file.path for files in chosen.values() for file in files] + old_lists
    with _tars(scene.orgs) as tars:
        missing = wanted
        for _ in range(_ATTEMPTS):
            missing = _fill(scene, tars, missing) if missing else []
        for path in missing:
            scene.gap(f"{org_of(path)}: {path} could not be read whole")
        for org, tar in tars.items():
            _add_client_list(scene, org, tar, clients.get(org))
            _add_tags(org, tar, backups.tags.get(org, {}))
        return [_store(scene, org, tar, org in clients) for org, tar in tars.items()]


def list_state(scene: CaptureScene) -> list[StoredFile]:
    """Every file that could be state; of each folder what a server keeps there."""
    config = scene.config
    return [
        file
        for folder in config.folders
        for file in parse_listing(scene.target.run(state_argv(folder), timeout=600).stdout)
        if config.folder_of(file.path) == folder
    ]


@contextmanager
def _tars(orgs: list[str]) -> Iterator[dict[str, OrgTar]]:
    """Unnamed temporary files: nobody else can open them, and none is left behind."""
    with ExitStack() as stack:
        yield {
            org: OrgTar(stack.enter_context(tempfile.TemporaryFile(prefix="recovery-state-")))
            for org in orgs
        }


def _fill(scene: CaptureScene, tars: dict[str, OrgTar], paths: list[str]) -> list[str]:
    """Reads ``paths`` into their orgs' tars; those that came torn, to be read again."""
    config = scene.config
    return [
        path
        for folder in config.folders
        for path in _fill_from(
            scene, folder, tars, [one for one in paths if config.folder_of(one) == folder]
        )
    ]


def _fill_from(
    scene: CaptureScene, folder: str, tars: dict[str, OrgTar], paths: list[str]
) -> list[str]:
    torn = []
    with read_files(scene.target, folder, paths) as files:
        for file in files:
            tar = tars.get(org_of(file.path))
            if tar is None or record_of(file.path) not in (None, *tars):
                continue  # an org that is left out, or made after the capture began
            if file.size > _IN_MEMORY:
                tar.add(file.path, file.size, file.changed, file.content)
                continue
            data = file.content.read()
            if is_torn(file.path, data):
                torn.append(file.path)
            elif is_client_list(file.path):
                tar.client_list[file.path] = data
            elif file.path == tags_path(org_of(file.path)):
                tar.tags = data
            else:
                tar.add(file.path, len(data), file.changed, io.BytesIO(data))
    return torn


def is_torn(path: str, data: bytes) -> bool:
    """Whether a record was caught half-written: JSON that doesn't parse."""
    if not is_json(path):
        return False
    try:
        json.loads(data)
    except ValueError:
        return True
    return False


def _add_client_list(
    scene: CaptureScene, org: str, tar: OrgTar, clients: list[dict[str, Any]] | None
) -> None:
    path = f"{org_folder(org)}client_info/snapshot.json"
    if clients is None:
        scene.gap(
            f"{org}: the client list is the one on disk, up to {scene.config.write_time:.0f} s old"
        )
    else:
        lines, index, unknown = client_list(clients, tar.client_list.get(path, b""))
        tar.client_list = {path: lines, f"{path}.index": index}
        if unknown:
            scene.gap(f"{org}: client list: fields not known here: {', '.join(unknown)}")
    for name, data in sorted(tar.client_list.items()):
        tar.add(name, len(data), 0, io.BytesIO(data))


def _add_tags(org: str, tar: OrgTar, fresh: dict[str, dict[str, Any]]) -> None:
    if data := joined_tags(tar.tags, fresh):
        tar.add(tags_path(org), len(data), 0, io.BytesIO(data))


def joined_tags(on_disk: bytes, fresh: dict[str, dict[str, Any]]) -> bytes:
    """The table with the artifacts' tags as in the memory; empty when there is none. Pure.

    A server may write them a minute late (read in its source).
    """
    table = json.loads(on_disk).get("metadata") or {} if on_disk else {}
    joined = {name: kept for name, kept in table.items() if name not in fresh}
    joined |= {name: tags for name, tags in fresh.items() if tags}
    return json.dumps({"metadata": joined}).encode() if on_disk or joined else b""


def tags_path(org: str) -> str:
    """The table of artifacts' tags and flags in an org's part of the datastore."""
    return f"{org_folder(org)}config/repository_metadata.json.db"


def _store(scene: CaptureScene, org: str, tar: OrgTar, joined: bool) -> OrgState:
    return OrgState(
        org=org,
        tar=scene.vault.put(tar.finish(), f"state {org}.tar"),
        files=len(tar.names),
        client_list="joined with a fresh backup" if joined else "written by the server",
    )
