"""The configuration that a server is held to: its own, or that of a point of its deployment."""

from contextlib import suppress

from recovery.errors import BadInputError, RecoveryError
from recovery.target import Target
from recovery.vault.manifest import Manifest
from recovery.velociraptor.config import ServerConfig
from recovery.velociraptor.read_config import read_config


def config_on(target: Target) -> ServerConfig:
    """The server.config.yaml that is on the target now."""
    return read_config(target)


def refuse_another_deployment(target: Target, manifest: Manifest) -> None:
    """Raises :class:`BadInputError` where the server there has another CA than the point.

    Its API would take no certificate of the point's, and every single check would say so. A
    config that can't be read says nothing here: the checks name it.
    """
    there = ""
    with suppress(RecoveryError):
        there = config_on(target).deployment
    if there and there != manifest.server.deployment:
        raise BadInputError(
            f"the server there is of another deployment ({there[:16]}…) than "
            f"{manifest.point} ({manifest.server.deployment[:16]}…)",
            target=target.uri,
            hint="name the vault, or by --point the recovery point, of this server; "
            "nothing was changed",
        )
