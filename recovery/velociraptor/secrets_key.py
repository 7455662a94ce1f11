"""Where the key of a server's stored secrets is, when its config only names the place.

``security.secrets_dek: env://NAME`` (facts: Configuration and keys): the server's environment has
it, and no recovery point. Without it a server starts, and can read none of its secrets: it takes an
empty key for it (seen; read in its source).
"""

from collections.abc import Mapping

from recovery.target import Target
from recovery.velociraptor.config import SERVICE, ServerConfig

_SCHEME = "env://"
_NAMES = """pid=$(systemctl show -p MainPID --value "$1") && [ "$pid" -gt 0 ] &&
tr '\\0' '\\n' < "/proc/$pid/environ" | sed -n 's/=.*//p'"""
"""No value leaves the machine."""


def secrets_variable(config: ServerConfig) -> str:
    """The variable's name; empty where the config has the key itself. Pure."""
    security = config.values.get("security")
    said = str(security.get("secrets_dek") or "") if isinstance(security, Mapping) else ""
    return said.removeprefix(_SCHEME) if said.startswith(_SCHEME) else ""


def has_variable(target: Target, name: str) -> bool:
    """Whether the running service's environment has a variable of this name."""
    told = target.run(["sh", "-c", _NAMES, "environment", SERVICE], check=False)
    return name in told.text.splitlines()
