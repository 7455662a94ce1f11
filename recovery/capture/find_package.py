"""The server package last installed: given, found on the server, built here, kept, or rebuilt.

A package counts only if its version is the installed one and its config has the same CA: a
recovery installs it before anything else. One that an earlier point has, byte for byte, is not
looked into again: that capture did.
"""

import json
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from recovery.capture.built_packages import find_built
from recovery.capture.look_inside import (
    Inside,
    look_inside,
    look_inside_here,
    server_deb,
)
from recovery.capture.scene import CaptureScene
from recovery.errors import BadInputError, CommandError, RecoveryError, TargetError
from recovery.file_hash import sha256_of
from recovery.vault.manifest import Manifest, Package
from recovery.velociraptor.config import PACKAGE

_FOLDERS = ("/var/lib/velociraptor-recovery", "/var/cache/apt/archives")
_CANDIDATES = r"""
for d in "$@"; do
  [ ! -d "$d" ] || find "$d" -maxdepth 1 -type f -size +0 -name 'velociraptor[-_]server*.deb' \
    -printf '%T@ %p\n'
done | sort -rn
"""
_INSTALLED = "dpkg-query --show --showformat='${Version}' \"$1\" 2>/dev/null || :"
_SECONDS = 600.0


def find_package(
    scene: CaptureScene, points: Iterable[Manifest], given: Callable[[], Package | Inside | None]
) -> Package:
    """The package, stored in the vault. ``points``: earlier ones of the same vault, the
    newest first. ``given``: what :func:`judge_given` returned, waited for.

    Raises :class:`RecoveryError` when there is no package and none can be built.
    """
    chosen = given()
    if chosen is not None:
        return _stored(scene, chosen)
    installed = scene.target.run(["sh", "-c", _INSTALLED, "installed", PACKAGE]).text
    found = _found(scene, installed, points)
    if found:
        return found
    built = find_built(scene.config.deployment, installed) if installed else None
    if built:
        return _stored(scene, judge(scene, built, points))
    for point in points:
        fits = installed and point.package.version == installed
        if fits and scene.vault.holds(point.package.file):
            return point.package.model_copy(update={"origin": "kept"})
    return _rebuilt(scene, _binary_digest(scene), points)


def judge_given(scene: CaptureScene, points: Iterable[Manifest]) -> Package | Inside | None:
    """The package that the options name, looked at but not stored; None where they name none.

    Raises :class:`BadInputError` when it isn't there, is no server package, or another
    deployment's.
    """
    path = scene.options.package
    return judge(scene, Path(path), points) if path else None


def judge(scene: CaptureScene, path: Path, points: Iterable[Manifest]) -> Package | Inside:
    """A package on this machine: what is in it, or the newest point's own, if it is the same."""
    if not path.is_file():
        raise BadInputError(f"no server package at {path}", target="--package")
    digest = sha256_of(path)
    newest = next(iter(points), None)
    if newest and newest.package.file.sha256 == digest and scene.vault.holds(newest.package.file):
        return newest.package.model_copy(update={"origin": "kept"})
    try:
        inside = look_inside_here(path, digest)
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
    return inside


def _stored(scene: CaptureScene, chosen: Package | Inside) -> Package:
    if isinstance(chosen, Package):
        return chosen
    path = Path(chosen.path)
    with path.open("rb") as source:
        stored = scene.vault.put(source, path.name)
    if stored.sha256 != chosen.sha256:
        raise BadInputError(
            "the package changed while it was captured",
            target=chosen.path,
            hint="start the capture again once it is written",
        )
    return Package(
        file=stored,
        version=chosen.version,
        config_fingerprint=chosen.config_fingerprint,
        origin="kept",
    )


def _found(scene: CaptureScene, installed: str, points: Iterable[Manifest]) -> Package | None:
    listing = scene.target.run(["sh", "-c", _CANDIDATES, "find", *_FOLDERS]).text
    for line in listing.splitlines():
        path = line.split(" ", 1)[1]
        summed = scene.target.run(["sha256sum", "--", path], timeout=_SECONDS, check=False)
        digest = summed.text.removeprefix("\\").partition(" ")[0]
        held = _held(scene, digest, points)
        if held:
            if not installed or held.version == installed:
                return held.model_copy(update={"origin": "found on the server"})
            continue
        try:
            inside = look_inside(scene.target, path, digest)
        except RecoveryError:
            continue  # cut off or something else: not the package that was installed
        fits = not installed or inside.version == installed
        if fits and inside.deployment == scene.config.deployment:
            return _from_server(scene, inside)
    return None


def _held(scene: CaptureScene, digest: str, points: Iterable[Manifest]) -> Package | None:
    """The package of these bytes that an earlier point of this deployment has."""
    for point in points:
        held = point.package
        if held.file.sha256 == digest and scene.vault.holds(held.file):
            return held
    return None


def _from_server(scene: CaptureScene, inside: Inside) -> Package:
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


def _binary_digest(scene: CaptureScene) -> str:
    path = scene.options.binary_path
    try:
        summed = scene.target.run(["sha256sum", "--", path], timeout=_SECONDS)
    except CommandError as refused:
        raise TargetError(
            f"there is no server package, and none can be made: {path} can't be read",
            step="find the server package",
            target=scene.target.uri,
            hint="name the package by --package FILE, or the server's binary there by --binary",
        ) from refused
    return summed.text.removeprefix("\\").split()[0]


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
        built = json.loads(server_deb("build", "--json", "--allow-expired", *files))
        path = Path(built["path"])
        with path.open("rb") as source:
            stored = scene.vault.put(source, path.name)
    return Package(
        file=stored,
        version=built["version"],
        config_fingerprint=built["config_fingerprint"],
        origin="rebuilt from its files",
        binary_sha256=digest,
    )
