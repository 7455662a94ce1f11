"""A complete copy as part of a recovery point: the datastore into a restic repository."""

from collections.abc import Callable
from functools import cache
from typing import Any

from recovery.capture.client_record import client_list
from recovery.capture.datastore_files import org_folder
from recovery.capture.read_files import read_files
from recovery.capture.scene import CaptureScene
from recovery.counts import things
from recovery.datastore.copy import Copied, copy_datastore
from recovery.datastore.repository import parse_repository
from recovery.datastore.restic import Restic, open_restic
from recovery.datastore.snapshots import whole_ident
from recovery.errors import BadInputError, CommandError
from recovery.vault.manifest import DatastoreCopy
from recovery.velociraptor.two_folders import refuse_two_folders

Rows = list[dict[str, Any]]


def take_copy(scene: CaptureScene, clients: dict[str, Rows]) -> DatastoreCopy:
    """Copies everything, with the client lists of ``clients`` (org → rows in memory) beside it.

    Raises :class:`BadInputError` when no repository was named, and what restic raises.
    """
    refuse_two_folders(scene.config, "a complete copy", scene.target.uri)
    repository = parse_repository(needed(scene.options.repository))
    with open_restic(scene.target, repository) as restic:
        copied = _copy(scene, restic, cache(lambda: fresh_lists(scene, clients)))
        ident = whole_ident(restic, copied.snapshot)
    if not ident:
        raise BadInputError(
            f"the repository does not show the copy {copied.snapshot} that was just made",
            target=repository.uri,
            hint="is somebody else forgetting copies there right now? Run it again",
        )
    if copied.unread:
        scene.gap(f"copy: {things(len(copied.unread), 'file')} not readable: {copied.unread[0]} …")
    beside = repository.is_folder and _same_disk(scene, repository.name)
    if beside:
        scene.say(
            f"copy: WARNING: {repository.uri} is on the server's own disk, and is lost with it: "
            "take a mounted share, S3 or sftp"
        )
    rate = copied.bytes / 1e6 / max(copied.seconds, 0.001)
    scene.say(
        f"copy {ident[:8]}: {things(copied.files, 'file')}, {copied.bytes / 1e6:.0f} MB, "
        f"{copied.files_new} "
        f"new or changed, {copied.bytes_added / 1e6:.1f} MB sent · {rate:.0f} MB/s"
    )
    return DatastoreCopy(
        repository=repository.uri,
        snapshot=ident,
        files=copied.files,
        bytes=copied.bytes,
        beside_server=beside,
    )


def _same_disk(scene: CaptureScene, folder: str) -> bool:
    """Whether ``folder`` there is on the file system of the datastore, or of the system."""
    asked = ["stat", "--format", "%d", "--", folder, scene.datastore, "/"]
    own, *lost = scene.target.run(asked).text.split()
    return own in lost


def _copy(scene: CaptureScene, restic: Restic, lists: Callable[[], dict[str, bytes]]) -> Copied:
    """The copy; a repository not there is made. Asking first would cost each copy a second."""

    def copy() -> Copied:
        return copy_datastore(restic, scene.datastore, scene.config.deployment, scene.point, lists)

    try:
        return copy()
    except CommandError:
        if not restic.make_if_absent():
            raise
        scene.say(f"copy: made a new repository at {restic.repository.uri}")
        return copy()


def needed(repository: str) -> str:
    """The repository; :class:`BadInputError` when none was named."""
    if not repository:
        raise BadInputError(
            "the strategy datastore wants a repository for its copies",
            target="--repository",
            hint="/path, s3://BUCKET/PREFIX?endpoint=URL or sftp://user@host/path?identity=FILE",
        )
    return repository


def fresh_lists(scene: CaptureScene, clients: dict[str, Rows]) -> dict[str, bytes]:
    """Path in the datastore → content, for the client list and its index of every org known."""
    paths = {org: f"{org_folder(org)}client_info/snapshot.json" for org in clients}
    on_disk: dict[str, bytes] = {}
    with read_files(scene.target, scene.datastore, list(paths.values())) as files:
        for file in files:
            on_disk[file.path] = file.content.read()
    lists: dict[str, bytes] = {}
    for org, rows in clients.items():
        path = paths[org]
        lines, index, unknown = client_list(rows, on_disk.get(path, b""))
        lists |= {path: lines, f"{path}.index": index}
        if unknown:
            scene.gap(f"{org}: client list: fields not known here: {', '.join(unknown)}")
    return lists
