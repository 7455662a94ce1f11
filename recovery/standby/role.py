"""A machine's role, changed under the lock of its syncs.

A sync that is under way on it is ended first, and so is a trial of its copy, which needs the disk
that a starting server needs; none begins afterwards on a machine that serves. A
machine that begins to serve drops what a sync may have left, and the list of hunts: the server
believes that file at its start, and makes it anew from the hunts' records where it is missing.
"""

from recovery.standby.places import LOCK, ROLE, ROOM
from recovery.standby.trial import END_ARGV

_TAKE_ROLE = r"""set -eu
umask 077
ds=$5 room=$1 lock=$2 file=$3 role=$4; shift 5
mkdir -p "$room"
"$@" 2>/dev/null || :
exec 9>"$lock"
if ! flock -n 9; then
  p=$(cat "$room/pid" 2>/dev/null || echo 0)
  [ "$(cat "/proc/$p/comm" 2>/dev/null)" != rsync ] || kill "$p" 2>/dev/null || :
  flock -w 30 9
fi
printf '%s\n' "$role" > "$file.new" && mv -f "$file.new" "$file"
cd -- "$ds" 2>/dev/null || exit 0
[ "$role" = active ] || exit 0
rm -f hunts/index.json hunts/index.json.index orgs/*/hunts/index.json orgs/*/hunts/index.json.index
find . -name .rsync-partial -prune -exec rm -rf {} +
"""


def take_role_argv(role: str, datastore: str) -> list[str]:
    """Changes a machine's role under the lock of its syncs; one that is under way is ended."""
    return ["sh", "-c", _TAKE_ROLE, "role", ROOM, LOCK, ROLE, role, datastore, *END_ARGV]
