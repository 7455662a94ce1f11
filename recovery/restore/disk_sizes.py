"""Files of the server, by their names and sizes on the machine's disk: one command for hundreds.

To ask the server itself takes about as long as to import them (measured).
"""

from collections.abc import Iterable

from recovery.restore.context import Context

_SIZES = 'cd "$1" && xargs -0 -r stat -c "%s %n" -- 2>/dev/null; true'


def disk_sizes(context: Context, folder: str, names: Iterable[str]) -> dict[str, int]:
    """Bytes of each of ``names`` that is below ``folder``; what isn't there is left out."""
    asked = "\0".join(names).encode()
    if not asked:
        return {}
    argv = ["sh", "-c", _SIZES, "sizes", folder]
    listing = context.target.run(argv, stdin=asked, timeout=600).text
    found = (line.partition(" ") for line in listing.splitlines())
    return {name: int(size) for size, _, name in found}
