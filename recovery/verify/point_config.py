"""The configuration that a server without a recovery point is held to: the one it has."""

from recovery.target import Target
from recovery.velociraptor.config import ServerConfig
from recovery.velociraptor.read_config import read_config


def config_on(target: Target) -> ServerConfig:
    """The server.config.yaml that is on the target now."""
    return read_config(target)
