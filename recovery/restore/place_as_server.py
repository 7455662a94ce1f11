"""Files into the datastore of a machine, written by the server's own user, none overwritten."""

from typing import BinaryIO

from recovery.restore.context import Context
from recovery.restore.journal import AT_WORK
from recovery.velociraptor.config import OWNER

WAIT, WORK = 3000, 600
"""Seconds: for a command that a dead recovery left at work there, and for the work itself."""
# What a cut connection leaves is no whole tar: nothing of it is unpacked, or a file without its end
# would be there already for whoever goes on.
_SCRIPT = """set -e
exec 9>"$3"; flock -w "$4" 9
umask 077
whole=$(mktemp "$3.XXXXXX")
trap 'rm -f "$whole"' EXIT
cat > "$whole"
tar -t -f "$whole" > /dev/null
runuser -u "$2" -- tar -x -f - -C "$1" --no-same-permissions --skip-old-files < "$whole"
"""


def place_as_server(context: Context, tar: bytes | BinaryIO) -> None:
    """Unpacks ``tar``, its paths relative to the datastore; what is there already stays."""
    argv = ["sh", "-c", _SCRIPT, "place", context.config.datastore, OWNER, AT_WORK, str(WAIT)]
    context.target.run(argv, stdin=tar, timeout=WAIT + WORK)
