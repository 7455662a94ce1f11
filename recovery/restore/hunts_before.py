"""The counts that hunts had before an import, kept on the machine until they are right again.

A server adds what is imported to them, and never counts down
(:mod:`recovery.restore.settle_hunts`). After a kill in between, its own numbers don't tell any
more what they were.
"""

import threading
from collections.abc import Iterable, Mapping, Sequence

from recovery.restore.context import Context
from recovery.restore.hunt_counts import numbers
from recovery.restore.journal import FOLDER
from recovery.restore.kept_lines import KeptLines
from recovery.vault.manifest import Archive
from recovery.velociraptor.archive_file import hunt_of_flow

PATH = f"{FOLDER}/hunts.jsonl"
_COUNTS = "SELECT hunt_id, stats FROM hunts(summary=TRUE)"


class HuntsBefore:
    """The hunts of ``org`` before this import, or before those that were cut off in it."""

    def __init__(self, context: Context, org: str, archives: Sequence[Archive]) -> None:
        self._kept, self._org = KeptLines(context.target, PATH), org
        self._lock = threading.Lock()
        named = {archive.hunt_id or hunt_of_flow(archive.flow_id) for archive in archives} - {""}
        left = self._left() if named else {}
        rows = context.api().query(_COUNTS, org=org) if named else []
        there = {row["hunt_id"]: numbers(row) for row in rows}
        self.there = frozenset(there)
        """Hunts that the server knew when this import began."""
        self._counts: dict[str, dict[str, int] | None] = {**there, **left}
        # A hunt's archive may hold a flow that another hunt began.
        mine = named | {hunt for hunt, had in left.items() if had is not None}
        self._others = {hunt: had for hunt, had in left.items() if hunt not in mine}
        self._note = {hunt: self._counts.get(hunt) for hunt in named | left.keys()}
        self._is_noted = self._note == left
        self.touched: set[str] = mine & left.keys()
        """Hunts that the server counted something in since; those of an import that was cut off."""

    def counts(self, hunt: str) -> dict[str, int] | None:
        """What it had; None where the server didn't know it."""
        return self._counts.get(hunt)

    def touch(self, hunts: Iterable[str]) -> None:
        """Called before anything is imported that the server counts in ``hunts``."""
        with self._lock:  # batches are imported side by side
            fresh = {*hunts} - {""}
            more = {hunt: self._counts.get(hunt) for hunt in fresh - self._note.keys()}
            self._note |= more
            if more or (fresh and not self._is_noted):
                self._append(self._note)
                self._is_noted = True
            self.touched |= fresh

    def close(self) -> None:
        """Their counts are right: the next import begins with what the server says."""
        if self.touched:
            self._append(self._others)

    def _left(self) -> dict[str, dict[str, int] | None]:
        """What an import that was cut off had noted."""
        mine = [line.get("hunts") for line in self._kept.read() if line.get("org") == self._org]
        last = mine[-1] if mine else None
        return last if isinstance(last, dict) else {}

    def _append(self, hunts: Mapping[str, dict[str, int] | None]) -> None:
        self._kept.append([{"org": self._org, "hunts": hunts}])
