"""What a machine had before its recovery: a datastore that isn't empty is named, and is kept."""

from recovery.restore.context import Context

# Counted before anything is put on the machine; what a package makes are empty folders.
_SCRIPT = r"""cd -- "$1" 2>/dev/null || exit 0
count() { find "$@" -type f 2>/dev/null | wc -l; }
files=$(count . ! -path './lost+found/*'); [ "$files" -gt 0 ] || exit 0
printf '%s\0%s\0%s\0' "$files" "$(count ./users -maxdepth 1 -name '*.db')" \
  "$(find . -type f -printf '%TY-%Tm-%Td %TH:%TM\n' | sort | tail -n 1)"
"""


def what_was_there(context: Context) -> list[str]:
    """A finding when the datastore isn't empty: nothing of it is removed, so it may come back too.

    Whoever had an account on the old server may still have it, whatever accounts were approved.
    """
    where = context.config.datastore if context.has_point else ""
    if not where:
        return []
    argv = ["sh", "-c", _SCRIPT, "look", where]
    said = context.target.run(argv, timeout=1800).stdout.decode().split("\0")
    return [existing(where, int(said[0]), int(said[1]), said[2])] if len(said) > 2 else []  # noqa: PLR2004


def existing(where: str, files: int, users: int, newest: str) -> str:
    """The finding in words. Pure."""
    kept = "it was kept; what the recovery point brings was written over it"
    still = f", and what else it has is there still, {users} user records among it" if users else ""
    return (
        f"the machine had a datastore before this recovery: {where}, {files} files, the newest of "
        f"{newest}: {kept}{still}"
    )
