"""The configuration that a server without a recovery point is held to: the one it has."""

from recovery.target import Target
from recovery.velociraptor.config import CONFIG_PATH, ServerConfig


def config_on(target: Target) -> ServerConfig:
    """The server.config.yaml that is on the target now."""
    return ServerConfig.parse(target.get(CONFIG_PATH), source=f"{CONFIG_PATH} on {target.uri}")
