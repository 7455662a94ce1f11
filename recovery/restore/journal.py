"""What was done on a machine, kept on that machine: one JSON line a finished step.

A recovery that was cut off anywhere reads it and goes on; a new machine has none, and
everything runs. A line is written only after its step's result is on the machine.
"""

import json
from datetime import UTC, datetime
from functools import cached_property

from recovery.restore.request import Outcome
from recovery.target import Target

FOLDER = "/var/lib/velociraptor-recovery"
PATH = f"{FOLDER}/journal.jsonl"
_APPEND = 'umask 077; mkdir -p "${1%/*}"; cat >> "$1"'
_READ = '[ ! -e "$1" ] || cat "$1"'


class Journal:
    """The journal of ``point`` on ``target``."""

    def __init__(self, target: Target, point: str) -> None:
        self._target = target
        self._point = point

    @cached_property
    def _lines(self) -> list[dict[str, str]]:
        text = self._target.run(["sh", "-c", _READ, "journal", PATH]).text
        return [json.loads(line) for line in text.splitlines() if line.endswith("}")]

    @cached_property
    def _done(self) -> dict[str, str]:
        mine = [line for line in self._lines if line["point"] == self._point]
        return {line["step"]: line["detail"] for line in mine}

    def others(self, step: str) -> list[str]:
        """The other recovery points for which ``step`` was done on this machine."""
        found = {line["point"] for line in self._lines if line["step"] == step}
        return sorted(found - {self._point})

    def is_done(self, step: str) -> bool:
        return step in self._done

    def detail(self, step: str) -> str:
        """What the finished step had to say."""
        return self._done.get(step, "")

    def add(self, outcome: Outcome) -> None:
        """Appends a finished step."""
        line = {
            "point": self._point,
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            **outcome.model_dump(include={"step", "status", "detail", "seconds"}),
        }
        data = json.dumps(line).encode() + b"\n"
        self._target.run(["sh", "-c", _APPEND, "journal", PATH], stdin=data)
        self._done[outcome.step] = outcome.detail
