"""May a config's datastore be where it says? All below it becomes the server's user's own."""

import posixpath
import re
from collections.abc import Iterable

from recovery.errors import BadInputError
from recovery.restore.check_zip import NEXT
from recovery.restore.context import Context
from recovery.velociraptor.config import OWNER

_SYSTEMS = re.compile(
    r"/(?:bin|boot|dev|etc|lib\d*|proc|root|run|sbin|sys|usr"
    r"|var/(?:backups|cache|lock|log|mail|run|spool))(?:/.*)?",
    re.DOTALL,
)
"""Nothing below them either."""
_SHARED = re.compile(
    r"/(?:home(?:/[^/]+)?|media|mnt|opt|srv|tmp|var(?:/(?:lib|local|opt|tmp))?)?", re.DOTALL
)
# A datastore, whoever owns it now, has one of these (facts: Datastore layout); what its server or a
# package has made is the server's user's.
_FOREIGN = """owner=$1; shift
id -u "$owner" >/dev/null 2>&1 || owner=
for folder; do (
  cd -- "$folder" 2>/dev/null || exit 0
  for name in acl artifact_definitions client_info clients hunts notebooks orgs; do
    [ ! -d "$name" ] || exit 0
  done
  name=$(find . -mindepth 1 -maxdepth 1 ! -name lost+found ! -name '.*' \\
    ${owner:+! -user "$owner"} -printf %P -quit)
  [ -z "$name" ] || printf '%s\\0%s\\0' "$folder" "$name"
) done
"""


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


def refuse_foreign_folders(context: Context) -> None:
    """The same on the machine: a folder that is there has to be empty, or a datastore.

    Raises :class:`BadInputError`, with what is in it.
    """
    argv = ["sh", "-c", _FOREIGN, "look", OWNER, *context.config.folders]
    found = context.target.run(argv).stdout.decode("utf-8", "replace").split("\0")
    for folder, name in zip(found[:-1:2], found[1::2], strict=True):
        raise BadInputError(
            f"{folder} on the machine is no datastore, and holds {name!r}: the config of "
            f"{context.manifest.point} keeps the datastore there, and all in that folder would "
            "become its server's",
            hint=f"if {folder} is meant, move away what is in it; nothing was changed",
        )
