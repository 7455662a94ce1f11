"""The environment in which drills, tests and a plain `pulumi up` run."""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from setup import base_image, pulumi_cli, reference_server, s3_gateway
from setup.places import VENV, cache_folder, private_folder, state_folder


def variables(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what to set, for a machine whose environment is `environ`.

    What is set there already stays as it is, apart from PATH, which gets our folders in front.
    """
    backend = private_folder(private_folder(state_folder()) / "pulumi")
    found = {
        "PULUMI_HOME": str(private_folder(cache_folder() / "pulumi" / "home")),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_BACKEND_URL": f"file://{backend}",
        base_image.VARIABLE: base_image.image_name(),
    }
    if not environ.get("PULUMI_CONFIG_PASSPHRASE"):
        found["PULUMI_CONFIG_PASSPHRASE_FILE"] = str(state_folder() / "passphrase")
    server = reference_server.recorded()
    if server:
        found[reference_server.VARIABLE] = str(server)
    if s3_gateway.path(environ).is_file():
        found[s3_gateway.VARIABLE] = str(s3_gateway.path(environ))
    kept = {name: value for name, value in found.items() if not environ.get(name)}
    return {**kept, "PATH": search_path(environ.get("PATH", ""))}


def search_path(given: str) -> str:
    """Return PATH with the virtual environment and the Pulumi CLI in front, each once."""
    ours = [str(VENV / "bin"), *pulumi_cli.path_folders()]
    rest = [part for part in given.split(os.pathsep) if part and part not in ours]
    return os.pathsep.join([*ours, *rest])


def make_passphrase(path: Path) -> None:
    """Write a random passphrase (256 bits) into `path`, readable by its owner alone.

    One that is there already is kept: without it, the secrets in Pulumi's state are lost.
    """
    private_folder(path.parent)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(descriptor, "w") as stream:
        stream.write(f"{secrets.token_urlsafe(32)}\n")


def prepare() -> dict[str, str]:
    """Return `variables` for this process, with the files they name in place."""
    found = variables(os.environ)
    passphrase = found.get("PULUMI_CONFIG_PASSPHRASE_FILE")
    if passphrase:
        make_passphrase(Path(passphrase))
    return found
