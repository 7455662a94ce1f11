"""May a config's datastore be where it says? All below it becomes the server's user's own."""

import posixpath
import re
from collections.abc import Iterable

from recovery.errors import BadInputError
from recovery.restore.check_zip import NEXT

_SYSTEMS = re.compile(r"/(?:bin|boot|dev|etc|lib\d*|proc|sbin|sys|usr)(?:/.*)?", re.DOTALL)
"""Nothing below them either."""
_SHARED = re.compile(r"/(?:home|media|mnt|opt|root|run|srv|tmp|var(?:/(?:lib|log|tmp))?)?")


def check_folders(folders: Iterable[str], point: str) -> None:
    """Raises :class:`BadInputError` for a folder of the system's, or one that others share.

    ``folders``: the datastore's, and the file store's.
    """
    for folder in folders:
        if wrong_folder(folder):
            raise BadInputError(
                f"its config keeps the datastore in {folder or '/'!r}, where no server can",
                target=point,
                hint=NEXT,
            )


def wrong_folder(folder: str) -> bool:
    """Whether to change the owner of all in it would change more than a datastore's. Pure."""
    place = "/" + posixpath.normpath(folder).lstrip("/")
    return (
        not folder.startswith("/")
        or ".." in folder.split("/")
        or _SYSTEMS.fullmatch(place) is not None
        or _SHARED.fullmatch(place) is not None
    )
