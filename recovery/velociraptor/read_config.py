"""The config of a server where it runs."""

from recovery.errors import TargetError
from recovery.target import Target
from recovery.velociraptor.config import ServerConfig


def read_config(target: Target, path: str) -> ServerConfig:
    """The server's config at ``path`` on ``target``.

    Raises :class:`TargetError` when it can't be read, and what :meth:`ServerConfig.parse` raises.
    """
    try:
        raw = target.get(path)
    except TargetError as refused:
        if refused.hint:
            raise
        raise TargetError(
            refused.message,
            step="read the server's config",
            target=refused.target,
            hint="is the server installed there? where its config has another name: --config PATH",
        ) from refused
    return ServerConfig.parse(raw, source=path)
