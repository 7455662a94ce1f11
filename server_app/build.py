"""Builds the one-file executable that drills install: `python -m server_app.build`.

Prints its path on stdout, progress on stderr. It is built once for the same
sources, libraries and Python, and kept in the cache folder under a hash of them.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

SOURCES = Path(__file__).resolve().parent
NAME = "velociraptor"
LIBRARIES = (
    "aiohttp", "cryptography", "grpcio", "lark", "protobuf", "pyinstaller", "pyyaml", "pyzipper",
)  # fmt: skip
"""Distributions that end up inside, or make it; those that aren't installed don't count."""

UNWANTED = (
    "tkinter", "test", "unittest.mock", "pydoc", "doctest", "pytest", "_pytest", "hypothesis",
    "mypy", "pydantic", "pydantic_core", "regex", "numpy", "setuptools", "pkg_resources",
    "grpc_tools", "pyvelociraptor", "pulumi", "boto3", "botocore", "rich", "IPython",
    "opentelemetry", "ast_serialize", "interegular", "atomicwrites", "js2py", "uvloop",
)  # fmt: skip
"""What libraries would take along only because it happens to be installed."""

KEEP = 3
"""Builds left in the cache; older ones are removed."""


class BuildError(Exception):
    """The packer failed; the message says where its output is."""


def main() -> int:
    """Prints the executable's path; exit code 1 when it could not be built."""
    try:
        path = executable()
    except BuildError as error:
        sys.stderr.write(f"reference server: {error}\n")
        return 1
    sys.stdout.write(f"{path}\n")
    return 0


def executable() -> Path:
    """The executable for the present sources, built if it isn't there. Raises BuildError."""
    folder = cache_folder() / fingerprint()
    target = folder / NAME
    if target.is_file():
        os.utime(folder)
        return target
    with _alone(cache_folder()):
        if not target.is_file():  # another process may have built it while this one waited
            _build(target)
        _forget_old(cache_folder())
    return target


def cache_folder() -> Path:
    """Where builds are kept."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "velociraptor-recovery" / "reference-server"


def fingerprint() -> str:
    """A hash of all that decides what the executable does."""
    digest = hashlib.sha256(f"{sys.version} {sysconfig.get_platform()}".encode())
    for name in LIBRARIES:
        try:
            digest.update(f"{name} {metadata.version(name)}\n".encode())
        except metadata.PackageNotFoundError:
            continue
    for path in source_files():
        digest.update(f"{path.relative_to(SOURCES)}\n".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def source_files() -> list[Path]:
    """The package's files, without what Python leaves behind."""
    return sorted(
        path
        for path in SOURCES.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc"
    )


def modules() -> list[str]:
    """Every module of the package: commands and plugins are imported by name only."""
    names = [
        ".".join(path.relative_to(SOURCES.parent).with_suffix("").parts)
        for path in source_files()
        if path.suffix == ".py" and path != Path(__file__).resolve()
    ]
    return [name.removesuffix(".__init__") for name in names]


def spec(data: list[tuple[str, str]]) -> str:
    """The packer's instructions.

    Nothing is compressed inside: the .deb is, and unpacking at each start
    would cost more than reading.
    """
    return f"""
analysis = Analysis(
    [{str(SOURCES / "__main__.py")!r}],
    pathex=[{str(SOURCES.parent)!r}],
    hiddenimports={modules()!r},
    datas={data!r},
    excludes={list(UNWANTED)!r},
)
kinds = (
    "EXTENSION", "DATA", "BINARY", "EXECUTABLE", "PYSOURCE", "PYMODULE", "PYZ",
    "SPLASH", "SYMLINK", "OPTION", "DEPENDENCY",
)
EXE(
    PYZ(analysis.pure), analysis.scripts, analysis.binaries, analysis.datas,
    name={NAME!r}, strip={shutil.which("strip") is not None!r}, upx=False, console=True,
    cdict={{kind: False for kind in kinds}},
)
"""


def _build(target: Path) -> None:
    sys.stderr.write("reference server: building (about half a minute)\n")
    target.parent.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent.parent, prefix=".build-") as name:
        work = Path(name)
        grammar = SOURCES / "vql" / "grammar.lark"
        data = [(str(path), "server_app/vql") for path in (grammar, *_ready_parsers(work))]
        data += [
            (str(path), str(path.parent.relative_to(SOURCES.parent)))
            for path in source_files()
            if path.suffix not in (".py", ".lark")
        ]
        (work / "server.spec").write_text(spec(data), encoding="utf-8")
        _run_packer(work)
        target.parent.mkdir(parents=True, exist_ok=True)
        built = work / "dist" / NAME
        built.chmod(0o755)
        built.replace(target)


def _ready_parsers(folder: Path) -> list[Path]:
    """The grammar worked out beforehand: building its tables takes a quarter of a second."""
    from server_app.vql import parse

    for start in parse.STARTS:
        parse.make_parser(start, folder)
    return sorted(folder.glob("*.parser"))


def _run_packer(work: Path) -> None:
    arguments = [sys.executable, "-m", "PyInstaller", "--noconfirm", "--log-level", "WARN"]
    arguments += ["--distpath", str(work / "dist"), "--workpath", str(work / "work")]
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [*arguments, str(work / "server.spec")], capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode or not (work / "dist" / NAME).is_file():
        log = cache_folder() / "failed-build.log"
        log.write_text(done.stdout + done.stderr, encoding="utf-8")
        raise BuildError(f"PyInstaller ended with {done.returncode}; its output is in {log}")


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Only one process builds at a time."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _forget_old(folder: Path) -> None:
    """Removes all but the newest builds, and what killed ones left; called when alone."""
    for path in folder.glob(".build-*"):
        shutil.rmtree(path, ignore_errors=True)
    builds = [path for path in folder.iterdir() if path.is_dir() and (path / NAME).is_file()]
    builds.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for path in builds[KEEP:]:
        shutil.rmtree(path, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
