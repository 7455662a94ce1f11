"""Whose server old material is of: the package and the config that a point is made with."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

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


class AdoptedServer(NamedTuple):
    """What an adopted point has of the server itself; the package is in the vault."""

    config: ServerConfig
    package: Package
    package_at: datetime
    kind: ServerKind
    version: str


def kept_server(found: Found, folder: Path, vault: Vault, kind: ServerKind) -> AdoptedServer:
    """The newest config, and the newest package of its deployment, among the material.

    Raises :class:`BadInputError` where there is none.
    """
    inside, config = _package_and_config(found, folder)
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


def _package_and_config(found: Found, folder: Path) -> tuple[Inside, ServerConfig]:
    if not found.packages:
        raise BadInputError(
            "there is no server package (.deb) among it",
            target=str(folder),
            hint="put it there, or make one: `recovery package build --binary FILE --config FILE`; "
            "for exports that are to be added to a server that runs: `--from URI` of that server",
        )
    config = found.configs[-1][1] if found.configs else None
    wanted = config.deployment if config else found.packages[-1].deployment
    fitting = [package for package in found.packages if package.deployment == wanted]
    if not fitting:
        raise BadInputError(
            "no package there has the CA of the newest config: they are of other deployments",
            target=str(folder),
            hint="remove what doesn't belong to the server that is to come back",
        )
    return fitting[-1], config or config_inside_here(Path(fitting[-1].path))
