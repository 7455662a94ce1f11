"""The config of a server where it runs."""

from recovery.errors import TargetError
from recovery.target import Target
from recovery.velociraptor.config import ServerConfig
from recovery.velociraptor.paths import CONFIG_PATH


def read_config(target: Target, path: str = "") -> ServerConfig:
    """The server's config on ``target``: at ``path`` where the operator chose one (``--config``).

    Raises :class:`TargetError` when it can't be read, and what :meth:`ServerConfig.parse` raises.
    """
    place = path or CONFIG_PATH
    try:
        raw = target.get(place)
    except TargetError as refused:
        if refused.hint:
            raise
        there = "is the server installed there?"
        raise TargetError(
            refused.message,
            step="read the server's config",
            target=refused.target,
            hint=f"{there} where its config has another name: --config PATH" if path else there,
        ) from refused
    return ServerConfig.parse(raw, source=f"{place} of {target.uri}")
