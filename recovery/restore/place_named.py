"""The files that the config names by their paths, onto the machine before the server's start."""

import hashlib
import tarfile
from collections.abc import Mapping, Sequence

from recovery.restore.context import Context
from recovery.restore.journal import AT_WORK
from recovery.small_tar import pack
from recovery.target import Target
from recovery.velociraptor.config import OWNER
from recovery.velociraptor.named_files import NamedPlace, named_places, place_of

_KNOWN = "xargs -0 -r sha256sum -z -- 2>/dev/null || :"
# What a machine had there under the same name stays beside it, as `name.~1~`.
_SCRIPT = """set -e
exec 9>"$1"; flock -w 240 9
umask 022
shift
tar -x -f - -C / --no-overwrite-dir "$@"
"""
_READ = """owner=$1; shift
for p in "$@"; do
  [ ! -e "$p" ] || runuser -u "$owner" -- test -r "$p" || printf '%s\\0' "$p"
done"""
_HASH = 64


def place_named(context: Context) -> list[str]:
    """Places each captured file where the machine has it not; gives what falls short.

    Raises :class:`BadInputError` for a file that the config doesn't name, or that is something
    else than its setting is for: the point was not made by a capture. Then nothing was placed.
    """
    places = named_places(context.config)
    if not places:
        return []
    files = context.named
    return [*_not_captured(context, places, files), *put_named(context.target, places, files)]


def _not_captured(
    context: Context, places: Sequence[NamedPlace], files: Mapping[str, bytes]
) -> list[str]:
    """What the config names and neither the point nor the machine has: told before the start."""
    found = []
    for place in places:
        held = any(place_of(places, path) == place for path in files)
        whole = context.manifest.named is not None and place.kind == "definitions"
        if held or whole or place.kind == "cache" or _exists(context.target, place):
            continue
        found.append(
            f"{place.path} ({place.setting}) is not in the recovery point: put it on this machine"
            + (", the server does not start without it" if place.kind == "certificate" else "")
        )
        context.say(found[-1])
    return found


def put_named(
    target: Target,
    places: Sequence[NamedPlace],
    files: Mapping[str, bytes],
    *,
    keep_old: bool = True,
) -> list[str]:
    """Writes what the target hasn't got as it is; gives what falls short.

    The server's user may read it all, and write in Let's Encrypt's cache alone. ``keep_old``:
    another file of that name stays beside it as ``name.~1~``, and is a finding.
    """
    there = _digests(target, files)
    new = {
        path: content
        for path, content in files.items()
        if there.get(path) != hashlib.sha256(content).hexdigest()
    }
    keep = ["--backup=numbered"] if keep_old else []
    packed = _pack(places, new, {*files})
    target.run(["sh", "-c", _SCRIPT, "place", AT_WORK, *keep], stdin=packed, timeout=600)
    argv = ["sh", "-c", _READ, "read", OWNER, *(place.path for place in places)]
    unread = target.run(argv).stdout.decode().split("\0")
    return [
        f"{path}: this machine had another file of that name; it is kept as {path}.~1~"
        for path in new
        if path in there and keep_old
    ] + [
        f"{path}: the server's user {OWNER} can't read it, look at the rights of its folders"
        for path in unread
        if path
    ]


def _digests(target: Target, files: Mapping[str, bytes]) -> dict[str, str]:
    """Path → SHA-256 of the files that the machine has under these names."""
    wanted = "".join(f"{path}\0" for path in files).encode()
    said = target.run(["sh", "-c", _KNOWN], stdin=wanted, timeout=300).stdout.decode()
    lines = [line for line in said.split("\0") if line]
    return {line[_HASH + 2 :]: line[:_HASH] for line in lines}


def _exists(target: Target, place: NamedPlace) -> bool:
    return target.run(["test", "-e", place.path], check=False).returncode == 0


def _pack(places: Sequence[NamedPlace], files: Mapping[str, bytes], known: set[str]) -> bytes:
    """A tar to unpack at the root: folders that the server insists on, then the files."""
    entries = []
    for place in places:
        if place.kind == "certificate" or place.path in known:
            continue
        own = place.kind == "cache"
        entries.append((_entry(place.path, 0o700 if own else 0o750, own=own, folder=True), b""))
    for path, content in files.items():
        owner = place_of(places, path)
        own = owner is not None and owner.kind == "cache"
        entries.append((_entry(path, 0o600 if own else 0o640, own=own), content))
    return pack(entries)


def _entry(path: str, mode: int, *, own: bool, folder: bool = False) -> tarfile.TarInfo:
    """Owned by the server's user where it writes itself, else readable for it."""
    entry = tarfile.TarInfo(path[1:])
    entry.type = tarfile.DIRTYPE if folder else tarfile.REGTYPE
    entry.mode, entry.uname, entry.gname = mode, OWNER if own else "root", OWNER
    return entry
