"""A .deb without Debian's tools: an ar of two tars."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

_FILE_MODE = 0o644
_SCRIPT_MODE = 0o755
_LEVEL = 6


@dataclass(frozen=True)
class Member:
    """A file of the package: its content, or the file on disk that has it."""

    content: bytes | Path

    def open(self) -> BinaryIO:
        return (
            self.content.open("rb") if isinstance(self.content, Path) else io.BytesIO(self.content)
        )

    def size(self) -> int:
        return self.content.stat().st_size if isinstance(self.content, Path) else len(self.content)


def write_deb(
    target: Path, fields: Mapping[str, str], scripts: Mapping[str, str], files: Mapping[str, Member]
) -> None:
    """Writes the package; `files` by absolute path, every one 0644 root:root as in real ones.

    The time of the build is in it: no two are equal (facts: The server package).
    """
    now = int(time.time())
    sums = "".join(f"{_md5(member)}  {path.lstrip('/')}\n" for path, member in files.items())
    installed = sum(member.size() for member in files.values()) // 1024
    control = "".join(f"{name}: {value}\n" for name, value in fields.items())
    control = control.replace("Homepage:", f"Installed-Size: {installed}\nHomepage:")
    inside = {"control": control, "md5sums": sums, "conffiles": "", **scripts}
    modes = {name: _SCRIPT_MODE if name in scripts else _FILE_MODE for name in inside}
    members = {f"./{name}": Member(text.encode()) for name, text in sorted(inside.items())}
    part = target.with_name(f".{target.name}.part")
    with part.open("wb") as file:
        file.write(b"!<arch>\n")
        _add(file, "debian-binary", b"2.0\n", now)
        _add(file, "control.tar.gz", _tar(members, now, modes), now)
        _add(file, "data.tar.gz", _tar(files, now, {}), now)
    part.replace(target)


def _md5(member: Member) -> str:
    # The package format asks for MD5; it guards against bad disks, not attackers.
    digest = hashlib.md5(usedforsecurity=False)
    with member.open() as file:
        while block := file.read(1024 * 1024):
            digest.update(block)
    return digest.hexdigest()


def _tar(files: Mapping[str, Member], now: int, modes: Mapping[str, int]) -> bytes:
    packed = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=_LEVEL, mtime=now) as stream,
        tarfile.open(fileobj=stream, mode="w", format=tarfile.GNU_FORMAT) as tar,
    ):
        seen: set[str] = set()
        for path, member in files.items():
            for parent in reversed(PurePosixPath(path.lstrip("/")).parents):
                name = str(parent)
                if name not in (".", *seen):
                    seen.add(name)
                    tar.addfile(_info(name, tarfile.DIRTYPE, 0o755, now))
            info = _info(path.lstrip("/"), tarfile.REGTYPE, modes.get(path[2:], _FILE_MODE), now)
            info.size = member.size()
            with member.open() as file:
                tar.addfile(info, file)
    return packed.getvalue()


def _info(name: str, kind: bytes, mode: int, now: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.mtime = kind, mode, now
    info.uname = info.gname = "root"
    return info


def _add(file: BinaryIO, name: str, content: bytes, now: int) -> None:
    header = f"{name:<16}{now:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n"
    file.write(header.encode() + content + (b"\n" if len(content) % 2 else b""))
