"""A file store of its own: which strategies don't know how to copy it."""

from recovery.errors import BadInputError
from recovery.velociraptor.config import ServerConfig


def refuse_two_folders(config: ServerConfig, what: str, target: str) -> None:
    """Raises :class:`BadInputError` where records and files lie in two folders.

    ``what`` copies one folder; a copy of half a server would start and lack all results.
    """
    if config.files != config.datastore:
        raise BadInputError(
            f"{what} copies one folder, and this server has two: records in {config.datastore}, "
            f"files in {config.files} (Datastore.filestore_directory)",
            target=target,
            hint="the strategies state, backup and collections bring back both; or stop the "
            "server, move its files into one folder and name that one twice in the config",
        )
