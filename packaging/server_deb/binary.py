"""The server's executable: what it is made for, what it needs, which version it says it is."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import yaml
from elftools.common.exceptions import ELFError
from elftools.construct import ConstructError
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection

from server_deb.errors import PackageError
from server_deb.run import run

ARCHITECTURES = {
    "EM_X86_64": "amd64",
    "EM_AARCH64": "arm64",
    "EM_386": "i386",
    "EM_ARM": "armhf",
    "EM_PPC64": "ppc64el",
    "EM_S390": "s390x",
}
_NAMES = ("velociraptor", "velociraptor-reference")
# This machine's name of each, as os.uname() has it: only such a binary can be asked its version.
MACHINES = {
    "x86_64": "amd64",
    "aarch64": "arm64",
    "i686": "i386",
    "armv7l": "armhf",
    "ppc64le": "ppc64el",
    "s390x": "s390x",
}
PACKAGES = {"libz.so.1": "zlib1g", "libgcc_s.so.1": "libgcc-s1", "libstdc++.so.6": "libstdc++6"}
OF_LIBC = re.compile(r"^(ld-linux.*|lib(c|m|dl|rt|util|pthread|resolv))\.so\.\d+$")
GLIBC = re.compile(r"^GLIBC_(\d+)\.(\d+)")
RELEASE_BINARY = "use a released linux binary of Velociraptor"


@dataclass(frozen=True)
class Binary:
    """An executable that was looked into: Debian's name of its architecture, and its needs."""

    path: Path
    size: int
    architecture: str
    depends: tuple[str, ...]
    unknown_libraries: tuple[str, ...]


def read_binary(path: Path, architecture: str | None = None) -> Binary:
    """Look into the ELF file at `path`; the file is not run.

    Raises PackageError if it is no whole ELF executable, or not one for `architecture` (Debian's
    name; None takes what the file says).
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            found, needed, glibc = _read_elf(path, stream, size)
    except OSError as missing:
        raise PackageError(
            f"the binary can't be read: {missing.strerror}",
            where=str(path),
            hint="give the path of the server's executable by --binary",
        ) from missing
    except (ELFError, ConstructError, ValueError, KeyError, AttributeError, AssertionError) as odd:
        raise _no_executable(path, "it is damaged, or not an ELF file") from odd
    if architecture is not None and architecture != found:
        raise PackageError(
            f"the binary is made for {found}, not for {architecture}",
            where=str(path),
            hint=f"{RELEASE_BINARY} for {architecture}, or give --arch {found}",
        )
    depends, unknown = debian_packages(needed, glibc)
    return Binary(path, size, found, depends, unknown)


def _read_elf(
    path: Path, stream: BinaryIO, size: int
) -> tuple[str, tuple[str, ...], tuple[int, int] | None]:
    elf = ELFFile(stream)
    if elf["e_type"] not in {"ET_EXEC", "ET_DYN"}:
        raise _no_executable(path, f"its ELF type is {elf['e_type']}")
    if elf["e_machine"] not in ARCHITECTURES:
        raise _no_executable(path, f"its machine is {elf['e_machine']}, which Debian lacks")
    ends = [segment["p_offset"] + segment["p_filesz"] for segment in elf.iter_segments()]
    ends.append(elf["e_shoff"] + elf["e_shnum"] * elf["e_shentsize"])
    if max(ends) > size:
        raise _no_executable(path, f"it is cut off: {size} bytes of at least {max(ends)}")
    needed: list[str] = []
    glibc: tuple[int, int] | None = None
    for section in elf.iter_sections():
        if isinstance(section, DynamicSection):
            tags = section.iter_tags("DT_NEEDED")
            needed += [str(vars(tag)["needed"]) for tag in tags]
        if isinstance(section, GNUVerNeedSection):
            names = (aux.name for _, group in section.iter_versions() for aux in group)
            matches = [GLIBC.match(name) for name in names]
            versions = [(int(m[1]), int(m[2])) for m in matches if m]
            glibc = max([*versions, *([glibc] if glibc else [])], default=None)
    return ARCHITECTURES[elf["e_machine"]], tuple(needed), glibc


def _no_executable(path: Path, why: str) -> PackageError:
    return PackageError(
        f"the binary is not a Linux executable: {why}",
        where=str(path),
        hint=f"{RELEASE_BINARY}; if it was downloaded, compare its size and SHA-256",
    )


def debian_packages(
    needed: Iterable[str], glibc: tuple[int, int] | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The Debian packages that hold the shared libraries `needed`, and the libraries unknown here.

    `glibc` is the newest symbol version asked of the C library, for instance (2, 34).
    """
    packages: set[str] = set()
    unknown: list[str] = []
    for name in needed:
        if OF_LIBC.match(name):
            packages.add(f"libc6 (>= {glibc[0]}.{glibc[1]})" if glibc else "libc6")
        elif name in PACKAGES:
            packages.add(PACKAGES[name])
        else:
            unknown.append(name)
    return tuple(sorted(packages)), tuple(unknown)


def ask_version(binary: Binary) -> str:
    """What `binary version` says, such as "0.77.2"; the program runs for a moment.

    Raises PackageError if it can't run here, or does not answer as Velociraptor does (YAML with
    a `name` of Velociraptor's or of the reference server's, and `version:`).
    """
    if MACHINES.get(os.uname().machine) != binary.architecture:
        raise _unasked(binary, f"it is made for {binary.architecture}, this machine is not")
    if not os.access(binary.path, os.X_OK):
        raise _unasked(binary, "the file is not executable (chmod +x)")
    with tempfile.TemporaryDirectory(prefix="server-deb-") as empty:
        answer = run(
            [str(binary.path.absolute()), "version"],
            cwd=Path(empty),
            timeout=60,
            extra={"HOME": empty, "TMPDIR": empty},
        )
    try:
        told = yaml.safe_load(answer.stdout)
    except (yaml.YAMLError, ValueError):
        told = None
    version = told.get("version") if isinstance(told, dict) else None
    if answer.code != 0 or version is None or told.get("name") not in _NAMES:
        raise PackageError(
            f"the binary does not answer `version` as Velociraptor does (exit code {answer.code})",
            where=f"{binary.path} version",
            hint="check that --binary names the Velociraptor executable, not another program",
        )
    return str(version)


def _unasked(binary: Binary, why: str) -> PackageError:
    return PackageError(
        f"the binary can't be asked its version: {why}",
        where=str(binary.path),
        hint="give the version by --version, for instance --version 0.77.2",
    )
