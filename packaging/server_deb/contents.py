"""Any server package, read back: Velociraptor's own or ours. Needs no dpkg, trusts nothing."""

from __future__ import annotations

import os
import shutil
import stat
import tarfile
import tempfile
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from server_deb import ar, layout
from server_deb.ar import Member, unreadable
from server_deb.config import LARGEST, ServerConfig, read_config
from server_deb.errors import FAILED, PackageError
from server_deb.tarball import entries

UNITS = (layout.UNIT_FILE, layout.UPSTREAM_UNIT, f"/lib/systemd/system/{layout.UNIT}")
KINDS = {
    tarfile.REGTYPE: stat.S_IFREG,
    tarfile.AREGTYPE: stat.S_IFREG,
    tarfile.DIRTYPE: stat.S_IFDIR,
    tarfile.SYMTYPE: stat.S_IFLNK,
}


@dataclass(frozen=True)
class FileEntry:
    """A file in the package; `mode` has the type bits too, as os.stat gives them."""

    path: str
    mode: int
    owner: str
    group: str
    size: int


@dataclass(frozen=True)
class PackageContents:
    """What is in a server package. Key material is in `config_bytes`, which no repr shows.

    `control` are the fields of the control file, `scripts` the other control files by name.
    """

    path: Path
    control: dict[str, str]
    scripts: dict[str, str] = field(repr=False)
    files: tuple[FileEntry, ...]
    unit: str
    config_bytes: bytes = field(repr=False)
    config: ServerConfig

    @property
    def name(self) -> str:
        return self.control["Package"]

    @property
    def version(self) -> str:
        return self.control["Version"]

    @property
    def architecture(self) -> str:
        return self.control["Architecture"]

    @property
    def config_fingerprint(self) -> str:
        """SHA-256 of the config's bytes, computed (not believed from the control field)."""
        return self.config.fingerprint

    @property
    def deployment_fingerprint(self) -> str | None:
        """SHA-256 of the CA certificate's DER: the identity of the deployment."""
        return self.config.deployment

    @property
    def conffiles(self) -> tuple[str, ...]:
        """Files that an upgrade does not overwrite once they were edited."""
        return tuple(self.scripts.get("conffiles", "").split())

    def file(self, path: str) -> FileEntry | None:
        """The entry at an absolute path, or None."""
        return next((entry for entry in self.files if entry.path == path), None)

    def extract_binary(self, destination: Path) -> None:
        """Write the server's executable to `destination`, mode 0755, whole or not at all.

        Raises PackageError if the package changed meanwhile or the file can't be written.
        """
        where = str(self.path)
        try:
            with self.path.open("rb") as stream:
                data = _parts(stream, where)["data"]
                for entry, content in entries(stream, data, where):
                    if content is not None and _absolute(entry.name, where) == layout.BINARY:
                        _write_whole(content, destination)
                        return
        except OSError as failed:
            raise PackageError(
                f"the binary could not be extracted: {failed.strerror}",
                where=str(destination),
                hint="see to free space and permissions there; nothing was left behind",
                exit_code=FAILED,
            ) from failed
        raise unreadable(where, f"it holds no {layout.BINARY}")


def read_package(path: Path) -> PackageContents:
    """Read a server .deb: control fields, scripts, files, unit and config.

    Everything read is bounded in size and number; nothing is written. Raises PackageError (exit
    code 64) for anything that is no whole server package.
    """
    where = str(path)
    try:
        with path.open("rb") as stream:
            parts = _parts(stream, where)
            control = _control(stream, parts["control"], where)
            fields = _fields(control.pop("control", ""), where)
            if fields["Package"] != layout.PACKAGE:
                raise unreadable(where, f"it is a package of {fields['Package'][:80]!r}")
            files, texts = _data(stream, parts["data"], where)
    except OSError as failed:
        raise unreadable(where, failed.strerror or str(failed)) from failed
    if layout.CONFIG not in texts:
        raise unreadable(where, f"it holds no {layout.CONFIG}")
    if not any(entry.path == layout.BINARY and stat.S_ISREG(entry.mode) for entry in files):
        raise unreadable(where, f"it holds no {layout.BINARY}")
    raw = texts[layout.CONFIG]
    unit = next((texts[name] for name in UNITS if name in texts), b"")
    return PackageContents(
        path=path,
        control=fields,
        scripts=control,
        files=files,
        unit=unit.decode(errors="replace"),
        config_bytes=raw,
        config=read_config(raw, f"{path}: {layout.CONFIG}"),
    )


def _parts(stream: BinaryIO, where: str) -> dict[str, Member]:
    found: dict[str, Member] = {}
    for member in ar.members(stream, where):
        part = member.name.partition(".tar")[0]
        if part in found:
            raise unreadable(where, f"it has two members {member.name}")
        found[part] = member
    if not {"debian-binary", "control", "data"} <= set(found):
        raise unreadable(where, "it is an archive, but no Debian package")
    return found


def _control(stream: BinaryIO, member: Member, where: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for entry, content in entries(stream, member, where):
        if content is not None:
            name = _absolute(entry.name, where).removeprefix("/")
            if name in found:
                raise unreadable(where, f"it has two control files {name}")
            found[name] = _bounded(entry, content, where).decode(errors="replace")
    return found


def _data(
    stream: BinaryIO, member: Member, where: str
) -> tuple[tuple[FileEntry, ...], dict[str, bytes]]:
    files: dict[str, FileEntry] = {}
    texts: dict[str, bytes] = {}
    for entry, content in entries(stream, member, where):
        path = _absolute(entry.name, where)
        if path in files:
            raise unreadable(where, f"it has two files {path}")
        if entry.type not in KINDS:
            raise unreadable(where, f"{path} is neither file, folder nor link")
        mode = KINDS[entry.type] | (entry.mode & 0o7777)
        owner, group = entry.uname or str(entry.uid), entry.gname or str(entry.gid)
        files[path] = FileEntry(path, mode, owner, group, entry.size)
        if content is not None and path in {layout.CONFIG, *UNITS}:
            texts[path] = _bounded(entry, content, where)
    return tuple(files.values()), texts


def _bounded(entry: tarfile.TarInfo, content: BinaryIO, where: str) -> bytes:
    if entry.size > LARGEST:
        raise unreadable(where, f"{entry.name} has {entry.size} bytes")
    return content.read()


def _absolute(name: str, where: str) -> str:
    """Each of "./etc/x", "etc/x" and "/etc/x" as "/etc/x"; refuses a name that climbs out."""
    parts = PurePosixPath(name).parts
    if ".." in parts or not name.isprintable():
        raise unreadable(where, "it holds a file whose name is not plain")
    return "/" + "/".join(part for part in parts if part != "/")


def _fields(text: str, where: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    last = ""
    for line in text.splitlines():
        if line[:1] in {" ", "\t"} and last:
            fields[last] += "\n" + line.strip()
        elif ":" in line:
            last, _, value = line.partition(":")
            fields[last] = value.strip()
    missing = {"Package", "Version", "Architecture"} - set(fields)
    if missing:
        raise unreadable(where, f"its control file lacks {', '.join(sorted(missing))}")
    return fields


def _write_whole(content: BinaryIO, destination: Path) -> None:
    with tempfile.NamedTemporaryFile(dir=destination.parent, delete=False) as stream:
        try:
            shutil.copyfileobj(content, stream, 1 << 20)
            stream.flush()
            os.fchmod(stream.fileno(), 0o755)
            Path(stream.name).replace(destination)
        except BaseException:
            Path(stream.name).unlink(missing_ok=True)
            raise
