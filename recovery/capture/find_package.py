"""The server package last installed: given, found on the server, built here, kept, or rebuilt.

A package counts only if its version is the installed one and its config has the same CA: a
recovery installs it before anything else.
"""

import hashlib
import json
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from recovery import commands
from recovery.capture.built_packages import find_built
from recovery.capture.scene import CaptureScene
from recovery.errors import BadInputError, CommandError, RecoveryError
from recovery.target import Target
from recovery.vault.manifest import Manifest, Package
from recovery.velociraptor.config import PACKAGE, ServerConfig

_BUILDER = Path(__file__).resolve().parents[2] / "packaging"
_FOLDERS = ("/var/lib/velociraptor-recovery", "/var/cache/apt/archives")
_CANDIDATES = r"""
for d in "$@"; do
  [ ! -d "$d" ] || find "$d" -maxdepth 1 -type f -size +0 -name 'velociraptor[-_]server*.deb' \
    -printf '%T@ %p\n'
done | sort -rn
"""
_LOOK_INSIDE = r"""
set -e
dpkg-deb --field "$1" Version
sha256sum < "$1"
dpkg-deb --fsys-tarfile "$1" |
  tar --extract --to-stdout --wildcards '*etc/velociraptor/server.config.yaml'
"""
_INSTALLED = "dpkg-query --show --showformat='${Version}' \"$1\" 2>/dev/null || :"
_SECONDS = 600.0


@dataclass(frozen=True)
class Inside:
    """What a .deb says of itself. Fingerprints of the config it installs and of its CA, hex."""

    path: str
    version: str
    config_fingerprint: str
    deployment: str
    sha256: str = ""


def find_package(scene: CaptureScene, points: Iterable[Manifest]) -> Package:
    """The package, stored in the vault. ``points``: earlier ones of the same vault, the
    newest first.

    Raises :class:`BadInputError` when a given package is of another deployment, and
    :class:`RecoveryError` when there is no package and none can be built.
    """
    if scene.options.package:
        return _given(scene, Path(scene.options.package), points)
    installed = scene.target.run(["sh", "-c", _INSTALLED, "installed", PACKAGE]).text
    found = _found(scene, installed)
    if found:
        return _from_server(scene, found, points)
    built = find_built(scene.config.deployment, installed) if installed else None
    if built:
        return _given(scene, built, points)
    for point in points:
        fits = installed and point.package.version == installed
        if fits and scene.vault.holds(point.package.file):
            return point.package.model_copy(update={"origin": "kept"})
    binary = scene.target.run(["sha256sum", "--", scene.options.binary_path], timeout=_SECONDS)
    return _rebuilt(scene, binary.text.split()[0], points)


def look_inside(target: Target, path: str) -> Inside:
    """Reads a .deb on the server. Raises :class:`RecoveryError` when it's no server package."""
    said = target.run(["sh", "-c", _LOOK_INSIDE, "look", path], timeout=_SECONDS).stdout
    version, digest, raw = said.split(b"\n", 2)
    config = ServerConfig.parse(raw, source=f"config in {path}")
    checksum = digest.decode().split()[0]
    return Inside(path, version.decode(), config.fingerprint, config.deployment, checksum)


def look_inside_here(path: Path) -> Inside:
    """Reads a .deb on this machine, which needs no dpkg for it."""
    told = json.loads(_server_deb("inspect", "--json", str(path)))
    return Inside(
        str(path), told["version"], told["config_fingerprint"], told["deployment_fingerprint"]
    )


def config_inside_here(path: Path) -> ServerConfig:
    """The config that a .deb on this machine installs; reading it needs ``dpkg-deb`` here."""
    said = commands.run(
        ["sh", "-c", _LOOK_INSIDE, "look", str(path)],
        timeout=_SECONDS,
        hint="put the server.config.yaml beside it, where this machine has no dpkg-deb",
    ).stdout
    return ServerConfig.parse(said.split(b"\n", 2)[2], source=f"config in {path}")


def _server_deb(*words: str) -> str:
    """The package builder stands alone: its seam is its command line."""
    return commands.run(
        [sys.executable, "-m", "server_deb", *words],
        env={"PYTHONPATH": str(_BUILDER), "PYTHONSAFEPATH": "1"},
        timeout=_SECONDS,
        hint="give the package by --package FILE",
    ).text


def _given(scene: CaptureScene, path: Path, points: Iterable[Manifest]) -> Package:
    if not path.is_file():
        raise BadInputError(f"no server package at {path}", target="--package")
    with path.open("rb") as source:
        digest = hashlib.file_digest(source, "sha256").hexdigest()
    newest = next(iter(points), None)
    if newest and newest.package.file.sha256 == digest and scene.vault.holds(newest.package.file):
        return newest.package.model_copy(update={"origin": "kept"})  # looked into by that capture
    try:
        inside = look_inside_here(path)
    except CommandError as refused:
        why = refused.message.partition("error: ")[2].partition("\n")[0] or refused.message
        raise BadInputError(
            f"not a server package: {why}",
            target=str(path),
            hint="give the .deb that `velociraptor debian server` or `recovery package build` made",
        ) from refused
    if inside.deployment != scene.config.deployment:
        raise BadInputError(
            "the package is of another deployment: its config has another CA than the server's",
            target=str(path),
            hint="give the package that this server was installed from",
        )
    with path.open("rb") as source:
        stored = scene.vault.put(source, path.name)
    return Package(
        file=stored,
        version=inside.version,
        config_fingerprint=inside.config_fingerprint,
        origin="kept",
    )


def _found(scene: CaptureScene, installed: str) -> Inside | None:
    listing = scene.target.run(["sh", "-c", _CANDIDATES, "find", *_FOLDERS]).text
    for line in listing.splitlines():
        path = line.split(" ", 1)[1]
        try:
            inside = look_inside(scene.target, path)
        except RecoveryError:
            continue  # cut off or something else: not the package that was installed
        fits = not installed or inside.version == installed
        if fits and inside.deployment == scene.config.deployment:
            return inside
    return None


def _from_server(scene: CaptureScene, inside: Inside, points: Iterable[Manifest]) -> Package:
    held = (point.package.file for point in points if scene.vault.holds(point.package.file))
    file = next((file for file in held if file.sha256 == inside.sha256), None)
    if file is None:
        with tempfile.TemporaryFile(prefix="recovery-package-") as spool:
            argv = ["cat", "--", inside.path]
            scene.target.run(argv, stdout=spool, timeout=_SECONDS)
            spool.seek(0)
            file = scene.vault.put(spool, Path(inside.path).name)
    return Package(
        file=file,
        version=inside.version,
        config_fingerprint=inside.config_fingerprint,
        origin="found on the server",
    )


def _rebuilt(scene: CaptureScene, digest: str, points: Iterable[Manifest]) -> Package:
    """Packs the server's own binary and config anew, by the package builder's command line.

    An earlier point's, packed from the same binary and config, serves again.
    """
    for point in points:
        held = point.package
        same = (held.binary_sha256, held.config_fingerprint) == (digest, scene.config.fingerprint)
        if same and scene.vault.holds(held.file):
            return held
    with tempfile.TemporaryDirectory(prefix="recovery-rebuild-") as folder:
        work = Path(folder)
        binary, config = work / "velociraptor", work / "server.config.yaml"
        binary.touch(mode=0o700)
        with binary.open("wb") as out:
            argv = ["cat", "--", scene.options.binary_path]
            scene.target.run(argv, stdout=out, timeout=_SECONDS)
        config.touch(mode=0o600)
        config.write_bytes(scene.config.raw)
        files = ("--binary", str(binary), "--config", str(config), "--output", str(work))
        built = json.loads(_server_deb("build", "--json", "--allow-expired", *files))
        path = Path(built["path"])
        inside = look_inside_here(path)
        with path.open("rb") as source:
            stored = scene.vault.put(source, path.name)
    return Package(
        file=stored,
        version=inside.version,
        config_fingerprint=inside.config_fingerprint,
        origin="rebuilt from its files",
        binary_sha256=digest,
    )
