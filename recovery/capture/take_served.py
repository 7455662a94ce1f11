"""The files that the server hands out to endpoints, each an object of its own in the vault.

They are large and change seldom: one that the point before has under the same stamp (size, times,
inode) is not read again, neither for the vault nor for the inventory (docs/adr/0015).
"""

import shutil
import tempfile
from collections.abc import Sequence

from recovery.capture.read_files import FileOnWire, read_files
from recovery.capture.scene import CaptureScene
from recovery.errors import ServerError
from recovery.vault.manifest import Manifest, ServedFile, StoredObject
from recovery.velociraptor.api import Row
from recovery.velociraptor.served_files import FOLDER, Known, is_served, list_served

_TOOLS = "SELECT name, version, hash, filestore_path FROM inventory() WHERE serve_locally AND hash"
_SPOOL = 16 << 20


def take_served(scene: CaptureScene, earlier: Manifest | None) -> list[ServedFile]:
    """Every file below ``public/``; a tool whose file isn't there, or is another, is a gap."""
    files = list_served(scene.target, scene.files)
    known = {
        (served.path, served.stamp): served
        for served in (earlier.served if earlier else ())
        if served.stamp and scene.vault.holds(served.file)
    }
    taken = [known[file.path, file.stamp] for file in files if (file.path, file.stamp) in known]
    have = {served.path for served in taken}
    changed = {file.path: file for file in files if file.path not in have}
    for path in [path for path in changed if not is_served(path)]:
        scene.gap(f"{path!r}: not captured: no name of a file that is handed out")
        del changed[path]
    with read_files(scene.target, scene.files, list(changed)) as wire:
        for file in wire:
            stored = _store(scene, file)
            seen = changed[file.path]
            taken.append(
                ServedFile(path=seen.path, file=stored, changed=seen.changed, stamp=seen.stamp)
            )
    for path in changed.keys() - {served.path for served in taken}:
        scene.gap(f"{path}: it was gone before it could be read")
    _miss_tools(scene, taken)
    return sorted(taken, key=lambda served: served.path)


def known_of(earlier: Manifest | None) -> Known:
    """What the point before knows of the files, by their stamps."""
    known = {
        (served.path, served.stamp): served.file.sha256
        for served in (earlier.served if earlier else ())
        if served.stamp
    }
    return lambda file: known.get((file.path, file.stamp))


def _store(scene: CaptureScene, file: FileOnWire) -> StoredObject:
    with tempfile.SpooledTemporaryFile(max_size=_SPOOL) as spool:
        shutil.copyfileobj(file.content, spool, 1 << 20)
        spool.seek(0)
        return scene.vault.put(spool, file.path)


def _miss_tools(scene: CaptureScene, taken: Sequence[ServedFile]) -> None:
    held = {served.path: served.file.sha256 for served in taken}
    for org in scene.orgs:
        try:
            tools = scene.api.query(_TOOLS, org=org)
        except ServerError as refused:
            scene.gap(f"{org}: its tools could not be listed: {refused.message}")
            continue
        for tool in tools:
            if wrong := tool_wrong(tool, held.get(f"{FOLDER}/{tool['filestore_path']}")):
                scene.gap(f"{org}: {wrong}")


def tool_wrong(tool: Row, sha256: str | None) -> str:
    """What is wrong with the file of a tool that is handed out; empty when nothing is. Pure."""
    name = f"tool {tool['name']} {tool['version'] or ''}".rstrip()
    if sha256 is None:
        return f"{name}: the server hands it out, but has no file of it"
    if sha256 != str(tool["hash"]).lower():
        return f"{name}: its file is not the one that the inventory names"
    return ""
