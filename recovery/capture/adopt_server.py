"""Whose server old material is of: the package and the config that a point is made with."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from recovery.capture.choose_server_files import Choice, newest_config, newest_package
from recovery.capture.find_package import find_package
from recovery.capture.found import Found
from recovery.capture.identify_server import identify_server
from recovery.capture.look_inside import Inside, config_inside_here
from recovery.capture.options import CaptureOptions
from recovery.capture.scene import CaptureScene
from recovery.errors import BadInputError
from recovery.target import Target
from recovery.vault.by_capture import by_capture
from recovery.vault.manifest import Package, ServerKind
from recovery.vault.store import Vault
from recovery.velociraptor.api import open_api
from recovery.velociraptor.config import ServerConfig
from recovery.velociraptor.read_config import read_config

_ALONE = "remove what doesn't belong to the server that is to come back"


class AdoptedServer(NamedTuple):
    """What an adopted point has of the server itself; the package is in the vault."""

    config: ServerConfig
    package: Package
    package_at: datetime
    kind: ServerKind
    version: str


def kept_server(
    found: Found, folder: Path, vault: Vault, kind: ServerKind, say: Callable[[str], None]
) -> AdoptedServer:
    """The newest config, and the newest package of its deployment, among the material.

    Raises :class:`BadInputError` where there is none, or where there are several deployments'.
    """
    inside, config = _package_and_config(found, folder, say)
    path = Path(inside.path)
    with path.open("rb") as source:
        stored = vault.put(source, path.name)
    package = Package(
        file=stored,
        version=inside.version,
        config_fingerprint=inside.config_fingerprint,
        origin="kept",
    )
    made = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return AdoptedServer(config, package, made, kind, inside.version.partition("-")[0])


def running_server(target: Target, vault: Vault, say: Callable[[str], None]) -> AdoptedServer:
    """A server that serves, to which exports are to be added, as it is now.

    Its package is found there, or packed from its own files, as in a capture. Raises
    :class:`recovery.errors.RecoveryError` where it can't be reached or doesn't answer.
    """
    config = read_config(target)
    with open_api(target, config) as api:
        kind, version = identify_server(api, target.uri)
        scene = CaptureScene(
            target=target,
            api=api,
            config=config,
            options=CaptureOptions(),
            orgs=[],
            say=say,
            vault=vault,
            point="",
        )
        points = [
            point
            for point in by_capture(vault.newest_first())
            if point.server.deployment == config.deployment
        ]
        package = find_package(scene, points, lambda: None)
    return AdoptedServer(config, package, datetime.now(UTC), kind, version)


def leave_others(found: Found, deployment: str) -> None:
    """Packages and configs of other deployments are of no use, and are named."""
    for package in found.packages:
        if package.deployment != deployment:
            found.left[Path(package.path).name] = "a package of another deployment"
    for path, other in found.configs:
        if other.deployment != deployment:
            found.left[path.name] = "a config of another deployment"


def _package_and_config(
    found: Found, folder: Path, say: Callable[[str], None]
) -> tuple[Inside, ServerConfig]:
    if not found.packages:
        raise BadInputError(
            "there is no server package (.deb) among it",
            target=str(folder),
            hint="put it there, or make one: `recovery package build --binary FILE --config FILE`; "
            "for exports that are to be added to a server that runs: `--from URI` of that server",
        )
    packaged = {package.deployment for package in found.packages}
    configs = [(path, one) for path, one in found.configs if one.deployment in packaged]
    if found.configs and not configs:
        raise BadInputError(
            "no package there has the CA of a config there: they are of other deployments",
            target=str(folder),
            hint=_ALONE,
        )
    meant = {config.deployment for _, config in configs} or packaged
    if len(meant) > 1:
        raise BadInputError(
            f"there are {'configs' if configs else 'packages'} of {len(meant)} deployments, and "
            "nothing tells which one is to come back",
            target=str(folder),
            hint=_ALONE,
        )
    if configs:
        chosen = newest_config([config for _, config in configs])
        names = [str(path.relative_to(folder)) for path, _ in configs]
        _tell(found, say, "config", names, chosen)
        config = configs[chosen.place][1]
    packages = [package for package in found.packages if package.deployment in meant]
    by = config.fingerprint if configs else ""
    taken = newest_package(packages, by)
    names = [str(Path(package.path).relative_to(folder)) for package in packages]
    _tell(found, say, "package", names, taken)
    package = packages[taken.place]
    return package, config if configs else config_inside_here(Path(package.path))


def _tell(
    found: Found, say: Callable[[str], None], what: str, names: Sequence[str], chosen: Choice
) -> None:
    """What was taken of several, and which not; where that is a guess, as a gap too."""
    taken = names[chosen.place]
    others = [name for place, name in enumerate(names) if place != chosen.place]
    if not others:
        return
    say(f"{what} {taken}: {chosen.why}; not taken: {', '.join(others)}")
    if chosen.by_times:
        guess = f"a {what} that may be the newer one: {taken} was taken ({chosen.why})"
        found.left |= dict.fromkeys(others, guess)
