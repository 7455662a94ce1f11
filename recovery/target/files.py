"""How a file is put on any target and read from it: one small script, its values as arguments.

The temporary file is created closed (umask 077), is compared with its size, gets its owner
and mode, then its name: at no moment can others read a key, and a connection that breaks in
the middle leaves what was there before.
"""

import shlex
from collections.abc import Sequence
from pathlib import Path

from recovery.errors import CommandError, TargetError
from recovery.target.protocol import Target

_SCRIPT = (
    'umask 077; set -e; d=$(dirname "$1"); [ -d "$d" ] || mkdir -p -m 755 "$d"; '
    't=$(mktemp "$1.XXXXXX"); trap \'rm -f "$t"\' EXIT; cat > "$t"; n=$(stat -c %s "$t"); '
    '[ "$n" = "$4" ] || { echo "$n of $4 bytes arrived" >&2; exit 1; }; '
    'chown "$3" "$t"; chmod "$2" "$t"; mv -fT "$t" "$1"; trap - EXIT'
)
_SMALL = 600.0
_LARGE = 3600.0


def put_argv(path: str, mode: int, owner: str, size: int) -> list[str]:
    """The argv that writes ``size`` bytes of standard input to ``path``, or changes nothing."""
    return ["sh", "-c", _SCRIPT, "put", path, f"{mode:04o}", owner, str(size)]


def put_file(target: Target, source: bytes | Path, path: str, mode: int, owner: str) -> None:
    """Writes bytes, or a file streamed from this machine, to ``path`` on ``target``.

    Raises :class:`CommandError` when it doesn't arrive whole or the target refuses it, and
    :class:`TargetError` when ``source`` can't be read here.
    """
    if isinstance(source, bytes):
        target.run(put_argv(path, mode, owner, len(source)), stdin=source, timeout=_SMALL)
        return
    try:
        size = source.stat().st_size
        with source.open("rb") as stream:
            target.run(put_argv(path, mode, owner, size), stdin=stream, timeout=_LARGE)
    except OSError as unreadable:
        raise TargetError(
            f"can't read {source}: {unreadable.strerror}", target="this machine"
        ) from unreadable


def get_file(target: Target, path: str) -> bytes:
    """The file's bytes; :class:`TargetError` when it isn't there or is a folder."""
    try:
        return target.run(["cat", "--", path]).stdout
    except CommandError as refused:
        raise TargetError(f"can't read {path}: {refused.message}", target=target.uri) from refused


def remote_command(argv: Sequence[str]) -> str:
    """``argv`` as the one string that an SSH server hands to the login shell."""
    return shlex.join(argv)
