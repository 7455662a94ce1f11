"""One pull of the datastore, on the machine that reads: rsync, under a lock, and only as a spare.

The script holds the lock while it runs and looks at the machine's role under it: a sync that was
under way when its machine was promoted ends, and none begins afterwards. Files are whole at
every moment: rsync writes a new one beside the old, then renames it.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from recovery.errors import CommandError, RecoveryError
from recovery.small_tar import tar_of
from recovery.standby.link import ssh_words
from recovery.standby.pair import Machine
from recovery.standby.places import LAST_SYNC, LOCK, ROLE, ROOM
from recovery.velociraptor.config import OWNER

SPARE, ACTIVE = "spare", "active"
BUSY, SERVES, TOO_MANY, FULL, GONE = 75, 76, 25, 11, 24
# The client list comes by itself, as it is in memory; the list of hunts is made anew from their
# records (up to ten minutes old, and believed at a start); backups of ours are on their way out.
LEFT_OUT = (
    "/temp/",
    "/orgs/*/temp/",
    "/client_info/snapshot.json*",
    "/orgs/*/client_info/snapshot.json*",
    "/hunts/index.json*",
    "/orgs/*/hunts/index.json*",
    "/backups/recovery-*.zip",
    "/orgs/*/backups/recovery-*.zip",
    "/.velociraptor-recovery/",
)
_PULL = r"""set -eu
room=$1 lock=$2 role=$3 last=$4 ds=$5 owner=$6 elapsed=$7; shift 7
umask 077
mkdir -p "$room"
exec 9>"$lock"
# A trial of the copy holds it while it copies the client lists.
flock -w 10 9 || { echo "another sync is at work" >&2; exit 75; }
[ "$(cat "$role" 2>/dev/null)" = spare ] || { echo "this machine is no spare" >&2; exit 76; }
began=$(( $(date +%s) - elapsed ))
rm -rf "$room/lists"; mkdir "$room/lists"
# What came of a large file is kept after an interruption, but not from the first: rsync then asks
# for a part of every file there is, which takes as long again as all the rest of a sync.
if [ -e "$room/unfinished" ] || [ ! -s "$last" ]; then
  rsync=$1; shift; set -- "$rsync" --partial-dir=.rsync-partial "$@"
fi
: > "$room/unfinished"
try=0
while :; do
  "$@" > "$room/out" 2> "$room/err" < /dev/null & pid=$!
  echo "$pid" > "$room/pid"
  # The client lists are made while the files are copied.
  [ "$try" != 0 ] || tar -x -f - -C "$room/lists" --no-same-owner 2> /dev/null ||
    { kill "$pid" 2>/dev/null || :; wait "$pid" || :; echo "no client lists came" >&2; exit 77; }
  # Lines now and then keep the connection alive; neither lock nor output may hang on a sleep.
  while sleep 5 > /dev/null 2>&1; do echo "progress $(wc -l < "$room/out")"; done 9>&- & ticker=$!
  code=0; wait "$pid" || code=$?
  kill "$ticker" 2>/dev/null || :
  [ "$code" = 0 ] || [ "$code" = 24 ] || { tail -n 5 "$room/err" >&2; exit "$code"; }
  grep -a '\.json\.db$' "$room/out" | (cd "$ds" && xargs -d '\n' -r grep -L -s '[]}]$') \
    > "$room/torn" || :
  try=$((try + 1))
  [ -s "$room/torn" ] && [ "$try" -lt 3 ] || break
done
cd "$room/lists"
facts=$(cat facts.json); rm facts.json
find . -type f | while IFS= read -r f; do
  d=$(dirname "$ds/$f")
  [ -d "$d" ] || install -d -o "$owner" -g "$owner" -m 700 "$d"
  install -o "$owner" -g "$owner" -m 600 "$f" "$ds/$f.recovery"
  mv -f "$ds/$f.recovery" "$ds/$f"
done
files=$(sed -n 's/^Number of files: \([0-9,]*\).*/\1/p' "$room/out" | tail -n 1 | tr -d ,)
printf '{"began":%s,"ended":%s,"files":%s,"facts":%s}\n' \
  "$began" "$(date +%s)" "${files:-0}" "$facts" > "$last.new"
mv -f "$last.new" "$last"
rm -f "$room/unfinished"
echo "torn $(wc -l < "$room/torn")"
tail -n 40 "$room/out"
"""
_NUMBERS = {
    "files": re.compile(rb"^Number of files: ([\d,]+)", re.MULTILINE),
    "sent": re.compile(rb"^Number of regular files transferred: ([\d,]+)", re.MULTILINE),
    "deleted": re.compile(rb"^Number of deleted files: ([\d,]+)", re.MULTILINE),
    "bytes": re.compile(rb"^Total file size: ([\d,]+)", re.MULTILINE),
    "moved": re.compile(rb"^Total bytes received: ([\d,]+)", re.MULTILINE),
    "torn": re.compile(rb"^torn (\d+)", re.MULTILINE),
}


@dataclass(frozen=True)
class Pulled:
    """What one pull did: ``files`` and ``bytes`` there are, ``sent`` and ``deleted`` files,
    ``moved`` bytes on the wire, ``torn`` records that were half-written in each of three passes.
    """

    files: int = 0
    bytes: int = 0
    sent: int = 0
    deleted: int = 0
    moved: int = 0
    torn: int = 0
    clients: int = 0
    """In the client lists that went with it."""


def rsync_argv(source: Machine, datastore: str, most: int) -> list[str]:
    """The rsync of one pull. ``most``: files that it may delete; a source whose disk is not
    mounted looks like one whose files were all deleted.
    """
    ssh = " ".join(ssh_words(source))
    return [
        "rsync",
        "--recursive",
        "--times",
        "--perms",
        "--owner",
        "--group",
        f"--chown={OWNER}:{OWNER}",
        "--sparse",
        "--delete",
        f"--max-delete={most}",
        "--timeout=60",
        "--stats",
        "--out-format=%n",
        *(f"--exclude={pattern}" for pattern in LEFT_OUT),
        f"--rsh={ssh}",
        f"root@{source.address}:{datastore}/",
        f"{datastore}/",
    ]


def pull_argv(source: Machine, datastore: str, *, elapsed: int, most: int) -> list[str]:
    """The script with its arguments; standard input is :func:`bundle`, whenever it comes.

    ``elapsed``: seconds since the sync began; from then on nothing is promised to be in it.
    """
    first = [ROOM, LOCK, ROLE, LAST_SYNC, datastore, OWNER, str(elapsed)]
    rsync = rsync_argv(source, datastore, most)
    return ["sh", "-c", _PULL, "pull", *first, *rsync]


def bundle(lists: Mapping[str, bytes], facts: Mapping[str, object]) -> bytes:
    """A tar of the client lists (path in the datastore → content), and of what is noted."""
    return tar_of({**lists, "facts.json": json.dumps(facts).encode()})


def parse_pulled(output: bytes) -> Pulled:
    """The numbers in the script's output; 0 where a line is missing."""
    found = {name: pattern.search(output) for name, pattern in _NUMBERS.items()}
    return Pulled(
        **{name: int(match[1].replace(b",", b"")) for name, match in found.items() if match}
    )


def failure(code: int, words: str, target: str) -> RecoveryError:
    """What went wrong, and what to do: the spare's copy is then a mix of old and new, all whole."""
    hints = {
        BUSY: "wait for it, or look at `recovery standby status`",
        SERVES: "it serves, or served before, and may hold work that the other one lacks: "
        "`recovery standby failback --only-follow` makes it a spare again",
        TOO_MANY: "the source has lost more than half of its files: is its datastore mounted? "
        "If they are gone on purpose, run `recovery standby sync --allow-shrinking`",
        FULL: "make space on the spare; the copy there is as old as it says",
        12: "the connection broke off; run it again, it goes on from there",
        30: "no data for 60 s: the network between the two, or the source, hangs",
        255: "the spare can't log in on the source: `recovery standby init` again mends the link",
    }
    full = code == FULL or "No space left" in words
    return CommandError(
        f"rsync ended with {code}: {words}",
        step="sync the spare",
        target=target,
        hint=hints[FULL] if full else hints.get(code, "run it again; it goes on from there"),
    )
