"""Is a file the server package? Known before anything is held or installed on the machine."""

import io
import re
import tarfile
from pathlib import Path
from typing import BinaryIO

import zstandard

from recovery.errors import BadInputError
from recovery.velociraptor.config import PACKAGE

_MAGIC = b"!<arch>\n"
_HEADER = 60
_LARGEST_CONTROL = 16 << 20
_HINT = (
    "choose another point, or build the package anew: `recovery package build`; nothing was "
    "changed on the machine"
)


def check_package(path: Path, name: str) -> str:
    """The version of the server package in ``path``.

    Raises :class:`BadInputError` when it isn't a whole Debian package, or one of another name.
    """
    try:
        members = _members(path)
        if not members or members[0][0] != "debian-binary":
            raise ValueError("its first member is not debian-binary")  # noqa: TRY301 - one way out
        kinds = [member.partition(".tar")[0] for member, _, _ in members]
        if "control" not in kinds or "data" not in kinds:
            raise ValueError("it has no control or no data")  # noqa: TRY301
        fields = _control(path, members[kinds.index("control")])
    except (OSError, ValueError, tarfile.TarError, EOFError, KeyError, zstandard.ZstdError) as bad:
        raise BadInputError(f"{name} is no Debian package: {bad}", hint=_HINT) from bad
    if fields.get("Package") != PACKAGE:
        raise BadInputError(
            f"{name} is the package {fields.get('Package')!r}, not {PACKAGE}", hint=_HINT
        )
    return fields.get("Version", "")


def _members(path: Path) -> list[tuple[str, int, int]]:
    """(name, offset of the content, size) of an ar archive's members; ValueError when cut off."""
    found = []
    total = path.stat().st_size
    with path.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise ValueError("not an ar archive")
        while header := file.read(_HEADER):
            if len(header) < _HEADER or header[58:] != b"`\n":
                raise ValueError("a header is damaged")
            size, at = int(header[48:58]), file.tell()
            if at + size > total:
                raise ValueError("it is cut off")
            found.append((header[:16].decode().strip().rstrip("/"), at, size))
            file.seek(at + size + size % 2)
    return found


def _control(path: Path, member: tuple[str, int, int]) -> dict[str, str]:
    """The fields of the control file."""
    name, at, size = member
    if size > _LARGEST_CONTROL:
        raise ValueError("its control part is too large")
    with path.open("rb") as file:
        file.seek(at)
        packed: BinaryIO = io.BytesIO(file.read(size))
    if name.endswith(".zst"):
        reader = zstandard.ZstdDecompressor().stream_reader(packed)
        packed = io.BytesIO(reader.read(_LARGEST_CONTROL))
    with tarfile.open(fileobj=packed) as tar:
        entry = next((m for m in tar if m.name.removeprefix("./") == "control"), None)
        content = tar.extractfile(entry) if entry else None
        text = content.read(_LARGEST_CONTROL).decode("utf-8", "replace") if content else ""
    return dict(re.findall(r"(?m)^([A-Za-z-]+): *(.*)$", text))
