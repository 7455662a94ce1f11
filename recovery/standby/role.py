"""A machine's role, changed under the lock of its syncs.

A sync that is under way on it is ended first; none begins afterwards on a machine that serves. A
machine that begins to serve drops what a sync may have left, and the list of hunts: the server
believes that file at its start, and makes it anew from the hunts' records where it is missing.
"""

from recovery.standby.places import LOCK, ROLE, ROOM

_TAKE_ROLE = r"""set -eu
umask 077
mkdir -p "$1"
exec 9>"$2"
if ! flock -n 9; then
  p=$(cat "$1/pid" 2>/dev/null || echo 0)
  [ "$(cat "/proc/$p/comm" 2>/dev/null)" != rsync ] || kill "$p" 2>/dev/null || :
  flock -w 30 9
fi
printf '%s\n' "$4" > "$3.new" && mv -f "$3.new" "$3"
cd -- "$5" 2>/dev/null || exit 0
[ "$4" = active ] || exit 0
rm -f hunts/index.json hunts/index.json.index orgs/*/hunts/index.json orgs/*/hunts/index.json.index
find . -name .rsync-partial -prune -exec rm -rf {} +
"""


def take_role_argv(role: str, datastore: str) -> list[str]:
    """Changes a machine's role under the lock of its syncs; one that is under way is ended."""
    return ["sh", "-c", _TAKE_ROLE, "role", ROOM, LOCK, ROLE, role, datastore]
