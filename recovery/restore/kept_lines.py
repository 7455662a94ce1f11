"""JSON lines kept on a machine, one a change: what was done there outlives whoever did it."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from recovery.target import Target

Line = dict[str, Any]
# A line that a kill or a full disk cut off is ended first: the next one stays readable.
APPEND = """set -e; umask 077; mkdir -p "${1%/*}"
[ -z "$(tail -c 1 "$1" 2>/dev/null)" ] || echo >> "$1"
cat >> "$1"; [ -z "$2" ] || sync "$1"
"""
# The machine's boot comes with the lines, so that to know it takes no command of its own.
READ = """[ ! -e "$1" ] || cat "$1"
[ -z "$2" ] || printf '\\n{"boot": "%s"}\\n' "$(cat /proc/sys/kernel/random/boot_id)"
"""
_PATIENCE = 600
"""Seconds: a full or a slow disk is waited for."""


class KeptLines:
    """The lines of the file ``path`` on ``target``; it needn't be there."""

    def __init__(self, target: Target, path: str) -> None:
        self._target, self._path = target, path
        self._name = PurePosixPath(path).stem

    def read(self, *, boot: bool = False) -> list[Line]:
        """Every whole line, in its order; with ``boot`` a last one that tells the machine's."""
        argv = ["sh", "-c", READ, self._name, self._path, "boot" if boot else ""]
        return list(lines_of(self._target.run(argv).text))

    def append(self, lines: Iterable[Mapping[str, Any]], *, settled: bool = True) -> None:
        """Adds lines; they are on the disk when this returns. None: nothing is done.

        ``settled=False``: they outlive whoever wrote them, but a machine that loses its power
        within the next seconds may forget them.
        """
        data = "".join(json.dumps(line) + "\n" for line in lines).encode()
        if data:
            argv = ["sh", "-c", APPEND, self._name, self._path, "settled" if settled else ""]
            self._target.run(argv, stdin=data, timeout=_PATIENCE)


def lines_of(text: str) -> Iterator[Line]:
    """The lines that are whole; one that was cut off was never done."""
    for line in text.splitlines():
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict):
            yield value
