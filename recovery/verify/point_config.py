"""The configuration that a server is held to: the captured one, or the one it has."""

import tempfile
from pathlib import Path

from recovery.target import Target
from recovery.vault.manifest import Manifest
from recovery.vault.store import Vault
from recovery.velociraptor.config import CONFIG_PATH, ServerConfig


def captured_config(vault: Vault, manifest: Manifest) -> ServerConfig:
    """The point's server.config.yaml; its file is in a 0700 folder, and gone at once."""
    with tempfile.TemporaryDirectory(prefix="recovery-config-") as folder:
        raw = vault.fetch(manifest.config, Path(folder) / "config").read_bytes()
    return ServerConfig.parse(raw, source=f"config of {manifest.point}")


def config_on(target: Target) -> ServerConfig:
    """The server.config.yaml that is on the target now."""
    return ServerConfig.parse(target.get(CONFIG_PATH), source=f"{CONFIG_PATH} on {target.uri}")
