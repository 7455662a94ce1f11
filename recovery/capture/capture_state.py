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
    is_client_list,
    org_folder,
    org_of,
    parse_listing,
    state_argv,
)
from recovery.capture.read_files import read_files
from recovery.capture.scene import CaptureScene
from recovery.vault.manifest import OrgState

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

    def add(self, path: str, size: int, changed: float, content: IO[bytes]) -> None:
        entry = tarfile.TarInfo(path)
        entry.size, entry.mtime, entry.mode = size, int(changed), 0o600
        self._tar.addfile(entry, content)
        self.names.add(path)

    def finish(self) -> IO[bytes]:
        self._tar.close()
        self._file.seek(0)
        return self._file


def capture_state(scene: CaptureScene, clients: dict[str, list[dict[str, Any]]]) -> list[OrgState]:
    """One :class:`OrgState` an org. ``clients``: org → rows of its list in the memory.

    An org without rows in ``clients`` gets the list on disk, and a gap that says so.
    """
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
            if tar is None:
                continue  # an org made after the capture began: the next one has it
            if file.size > _IN_MEMORY:
                tar.add(file.path, file.size, file.changed, file.content)
                continue
            data = file.content.read()
            if is_torn(file.path, data):
                torn.append(file.path)
            elif is_client_list(file.path):
                tar.client_list[file.path] = data
            else:
                tar.add(file.path, len(data), file.changed, io.BytesIO(data))
    return torn


def is_torn(path: str, data: bytes) -> bool:
    """Whether a record was caught half-written: JSON that doesn't parse."""
    if not path.endswith(".json.db"):
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


def _store(scene: CaptureScene, org: str, tar: OrgTar, joined: bool) -> OrgState:
    return OrgState(
        org=org,
        tar=scene.vault.put(tar.finish(), f"state {org}.tar"),
        files=len(tar.names),
        client_list="joined with a fresh backup" if joined else "written by the server",
    )
