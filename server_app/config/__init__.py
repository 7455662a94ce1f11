"""Configuration files and key material, in the form a real server writes them."""

from server_app.config.document import ConfigError, dump_yaml, load_api_config, load_config
from server_app.config.identity import BUILD, VERSION, client_config, server_version

__all__ = [
    "BUILD",
    "VERSION",
    "ConfigError",
    "client_config",
    "dump_yaml",
    "load_api_config",
    "load_config",
    "server_version",
]
