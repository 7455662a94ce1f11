"""What a machine had before its recovery: a datastore that isn't empty is named, and is kept."""

from recovery.counts import things
from recovery.restore.context import Context

# Counted before anything is put on the machine; what a package makes are empty folders.
_SCRIPT = r"""count() { find "$@" -type f 2>/dev/null | wc -l; }
for folder; do (
  cd -- "$folder" 2>/dev/null || exit 0
  files=$(count . ! -path './lost+found/*'); [ "$files" -gt 0 ] || exit 0
  printf '%s\0%s\0%s\0%s\0' "$folder" "$files" "$(count ./users -maxdepth 1 -name '*.db')" \
    "$(find . -type f -printf '%TY-%Tm-%Td %TH:%TM\n' | sort | tail -n 1)"
) done
"""


def what_was_there(context: Context) -> list[str]:
    """A finding for the datastore, and for a file store of its own, that isn't empty.

    Nothing of it is removed, so it may come back too: whoever had an account on the old server
    may still have it, whatever accounts were approved.
    """
    if not context.has_point:
        return []
    argv = ["sh", "-c", _SCRIPT, "look", *context.config.folders]
    said = iter(context.target.run(argv, timeout=1800).stdout.decode().split("\0")[:-1])
    return [
        existing(where, int(files), int(users), newest)
        for where, files, users, newest in zip(said, said, said, said, strict=True)
    ]


def existing(where: str, files: int, users: int, newest: str) -> str:
    """The finding in words. Pure."""
    kept = "it was kept; what the recovery point brings was written over it"
    still = (
        f", and what else it has is there still, {things(users, 'user record')} among it"
        if users
        else ""
    )
    return (
        f"the machine had a datastore before this recovery: {where}, {things(files, 'file')}, "
        f"the newest of {newest}: {kept}{still}"
    )
