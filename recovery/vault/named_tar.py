"""The files that the config names, out of a recovery point's tar: foreign input, checked whole."""

import hashlib
import tarfile
from collections.abc import Sequence
from pathlib import Path

from recovery.errors import BadInputError
from recovery.vault.manifest import NamedFiles
from recovery.velociraptor.named_files import LARGEST, NamedPlace, place_of, wrong_content


def read_named_tar(
    tar: Path, named: NamedFiles, places: Sequence[NamedPlace], point: str
) -> dict[str, bytes]:
    """Full path → content; each checked against config, digest and kind.

    Raises :class:`BadInputError` for a file that the config doesn't name, or that is something
    else than its setting is for: ``point`` was not made by a capture.
    """
    files: dict[str, bytes] = {}
    try:
        with tarfile.open(tar, "r:") as opened:
            for member in opened:
                path = f"/{member.name}"
                place = place_of(places, path)
                if place is None or not member.isreg() or member.size > LARGEST[place.kind]:
                    raise _refused(point, path, "no file that the config names")
                source = opened.extractfile(member)
                files[path] = source.read() if source else b""
                if named.digests.get(path) != hashlib.sha256(files[path]).hexdigest():
                    raise _refused(point, path, "not the file that the manifest names")
                if wrong := wrong_content(place, path, files[path]):
                    raise _refused(point, path, f"{wrong} ({place.setting})")
    except (tarfile.TarError, EOFError, OSError) as broken:
        raise _refused(point, named.tar.name, f"can't be read: {broken}") from broken
    if missing := sorted(named.digests.keys() - files.keys()):
        raise _refused(point, missing[0], "the manifest names it, and it is not there")
    return files


def _refused(point: str, path: str, why: str) -> BadInputError:
    return BadInputError(
        f"{path!r}: {why}",
        target=point,
        hint="the point was not made by `recovery capture`; no such file was placed",
    )
