"""The files that the config names by their paths, in one tar.

TLS certificate and key, folders of artifact definitions, Let's Encrypt's cache.
"""

import hashlib
import io
from collections.abc import Callable, Sequence

from recovery.capture.read_files import read_files
from recovery.capture.scene import CaptureScene
from recovery.small_tar import tar_of
from recovery.target import Target
from recovery.vault.manifest import NamedFiles
from recovery.velociraptor.named_files import (
    LARGEST,
    NamedPlace,
    named_places,
    place_of,
    wrong_content,
)

MOST = 10_000
"""Files of one place: a folder that holds more is no folder of definitions."""
# A link is read as what it leads to (certbot's names are links); a server enters no linked folder.
_FIND = r"""for place in "$@"; do
  [ ! -d "$place" ] || printf '%s/\0' "$place"
  find -H "$place" -maxdepth 12 ! -type d -printf '%p\0' 2>/dev/null
done; :"""


def take_named(scene: CaptureScene) -> NamedFiles | None:
    """All of them; None where the config names none.

    What is missing or isn't what its setting is for is a gap: a server made from this point
    would not start, or lack it.
    """
    places = named_places(scene.config)
    if not places:
        return None
    files = read_named(scene.target, places, scene.gap)
    tar = tar_of({path[1:]: content for path, content in files.items()})
    stored = scene.vault.put(io.BytesIO(tar), "named-files.tar")
    digests = {path: hashlib.sha256(content).hexdigest() for path, content in files.items()}
    return NamedFiles(tar=stored, digests=digests)


def read_named(
    target: Target, places: Sequence[NamedPlace], gap: Callable[[str], None]
) -> dict[str, bytes]:
    """Full path → content, sorted; ``gap`` takes what is missing or isn't for its setting."""
    listed = _wanted(places, list_named(target, places), gap)
    files: dict[str, bytes] = {}
    with read_files(target, "/", [path[1:] for path in listed], follow=True) as wire:
        for file in wire:
            path = f"/{file.path}"
            place = place_of(places, path)
            if place is None:
                continue
            if file.size > LARGEST[place.kind]:
                gap(f"{path} ({place.setting}): {file.size} bytes, too large for it")
                continue
            content = file.content.read()
            if not (wrong := wrong_content(place, path, content)):
                files[path] = content
            elif path == place.path:  # in a folder a server passes over what is something else
                gap(f"{path} ({place.setting}): {wrong}")
    return dict(sorted(files.items()))


def list_named(target: Target, places: Sequence[NamedPlace]) -> list[str]:
    """Every file in the places that a server would read; a folder that is there ends in ``/``."""
    argv = ["sh", "-c", _FIND, "find", *(place.path for place in places)]
    lines = target.run(argv, timeout=120).stdout.decode("utf-8", "surrogateescape").split("\0")
    return sorted(path for path in lines if path.endswith("/") or place_of(places, path))


def _wanted(
    places: Sequence[NamedPlace], listed: Sequence[str], gap: Callable[[str], None]
) -> list[str]:
    """The files to read: none of a place that isn't there, or holds too many."""
    wanted: list[str] = []
    for place in places:
        inside = [path for path in listed if place_of(places, path) == place]
        if not inside and f"{place.path}/" not in listed and place.kind != "cache":
            gap(f"{place.path}, which {place.setting} names, is not there")
        if len(inside) > MOST:
            gap(f"{place.path} ({place.setting}): {len(inside)} files, more than {MOST}")
        else:
            wanted += inside
    return wanted
