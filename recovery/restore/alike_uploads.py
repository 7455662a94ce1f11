"""Uploads whose names differ in capital letters alone: each gets its own content.

A server looks names up in an archive without regard to capital letters, so that of ``a`` and
``A`` both become what the first one is, without a word (seen on 0.77.2). The content of the others
is put in its place afterwards.
"""

import shutil
import zipfile
from pathlib import Path
from tempfile import NamedTemporaryFile
from urllib.parse import unquote

from recovery.errors import CommandError
from recovery.restore.alike_results import place_alike_results
from recovery.restore.context import Context
from recovery.restore.parcel import Parcel
from recovery.velociraptor.api import ROOT
from recovery.velociraptor.config import OWNER
from recovery.velociraptor.stored_names import shortened, stored_name

_CHUNK = 1 << 20


def place_alike(context: Context, org: str, parcel: Parcel) -> str:
    """Puts right what an import has confused; what could not be, in words, else nothing.

    Raises :class:`recovery.errors.TargetError` when the machine stops answering.
    """
    said = [
        ("rows of a result set", place_alike_results(context, org, parcel)),
        ("content of an upload", _place_uploads(context, org, parcel)),
    ]
    return "; ".join(
        f"with the {what} of a like name: {', '.join(wrong)}" for what, wrong in said if wrong
    )


def _place_uploads(context: Context, org: str, parcel: Parcel) -> list[str]:
    if not parcel.alike:
        return []
    inside = "" if org == ROOT else f"/orgs/{org}"
    flow = f"clients/{parcel.client_id}/collections/{parcel.flow_id}"
    folder = f"{context.config.files}{inside}/{flow}/uploads"
    argv = ["find", folder, "-type", "f", "-print0"]
    listed = context.target.run(argv, check=False).stdout.split(b"\0")
    paths = [path.decode(errors="surrogateescape") for path in listed if path]
    wrong = []
    with parcel.open() as content, zipfile.ZipFile(content) as archive:
        for name in parcel.alike:
            wanted = [unquote(part) for part in name.split("/")[1:]]
            path = next((path for path in paths if _is(path[len(folder) + 1 :], wanted)), "")
            try:
                if path:
                    _place(context, archive, name, path)
                    continue
                why = ""
            except CommandError as failed:
                why = f" ({failed.message})"
            wrong.append(f"{unquote(name.removeprefix('uploads/'))}{why}")
    return wrong


def _is(path: str, wanted: list[str]) -> bool:
    parts = path.split("/")
    return len(parts) == len(wanted) and all(
        part == shortened(name) or stored_name(part) == name
        for part, name in zip(parts, wanted, strict=True)
    )


def _place(context: Context, archive: zipfile.ZipFile, name: str, path: str) -> None:
    """Through a file of the work folder: an upload may be larger than the memory."""
    with archive.open(name) as reader, NamedTemporaryFile(dir=context.folder) as file:
        shutil.copyfileobj(reader, file, _CHUNK)
        file.flush()
        context.target.put(Path(file.name), path, mode=0o600, owner=f"{OWNER}:{OWNER}")
    context.target.run(["rm", "-f", f"{path}.chunk"])  # it would be of what was there before
