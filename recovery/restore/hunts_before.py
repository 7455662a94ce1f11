"""The counts that hunts had before an import, kept on the machine until they are right again.

A server adds what is imported to them, and never counts down
(:mod:`recovery.restore.settle_hunts`). After a kill in between, its own numbers don't tell any
more what they were.
"""

import json
import re
import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from recovery.restore.context import Context
from recovery.restore.journal import APPEND, FOLDER, READ, lines_of
from recovery.vault.manifest import Archive
from recovery.velociraptor.archive_file import hunt_of_flow

PATH = f"{FOLDER}/hunts.jsonl"
CLIENTS = (
    "total_clients_scheduled",
    "total_clients_with_results",
    "total_clients_with_errors",
    "total_finished_clients",
)
SUMS = ("total_collected_rows", "total_uploaded_bytes")
_COUNTS = "SELECT hunt_id, stats FROM hunts(summary=TRUE)"
_NUMBER = re.compile(r"[0-9]{1,18}")


class HuntsBefore:
    """The hunts of ``org`` before this import, or before those that were cut off in it."""

    def __init__(self, context: Context, org: str, archives: Sequence[Archive]) -> None:
        self._target, self._org = context.target, org
        self._lock = threading.Lock()
        named = {archive.hunt_id or hunt_of_flow(archive.flow_id) for archive in archives} - {""}
        left = self._left()
        rows = context.api().query(_COUNTS, org=org) if named else []
        self._counts: dict[str, dict[str, int] | None] = {
            row["hunt_id"]: numbers(row) for row in rows
        }
        self._counts |= left
        self._others = {hunt: had for hunt, had in left.items() if hunt not in named}
        self._note = {hunt: self._counts.get(hunt) for hunt in named | left.keys()}
        self._is_noted = self._note == left
        self.touched: set[str] = named & left.keys()
        """Hunts that the server counted something in since; those of an import that was cut off."""

    def counts(self, hunt: str) -> dict[str, int] | None:
        """What it had; None where the server didn't know it."""
        return self._counts.get(hunt)

    def touch(self, hunts: Iterable[str]) -> None:
        """Called before anything is imported that the server counts in ``hunts``."""
        with self._lock:  # batches are imported side by side
            fresh = {*hunts} - {""}
            if fresh and not self._is_noted:
                self._append(self._note)
                self._is_noted = True
            self.touched |= fresh

    def close(self) -> None:
        """Their counts are right: the next import begins with what the server says."""
        if self.touched:
            self._append(self._others)

    def _left(self) -> dict[str, dict[str, int] | None]:
        """What an import that was cut off had noted."""
        text = self._target.run(["sh", "-c", READ, "hunts", PATH]).text
        mine = [line.get("hunts") for line in lines_of(text) if line.get("org") == self._org]
        last = mine[-1] if mine else None
        return last if isinstance(last, dict) else {}

    def _append(self, hunts: Mapping[str, dict[str, int] | None]) -> None:
        data = json.dumps({"org": self._org, "hunts": hunts}).encode() + b"\n"
        self._target.run(["sh", "-c", APPEND, "hunts", PATH], stdin=data, timeout=600)


def numbers(hunt: Mapping[str, Any]) -> dict[str, int]:
    """Its counts; a file has 64 bits as text, and what is no number counts as none."""
    said = {name: str(stats_of(hunt).get(name)) for name in (*CLIENTS, *SUMS)}
    return {name: int(text) if _NUMBER.fullmatch(text) else 0 for name, text in said.items()}


def stats_of(hunt: Mapping[str, Any]) -> dict[str, Any]:
    """Its counts as they are; a file that anybody may have made can hold anything there."""
    stats = hunt.get("stats")
    return stats if isinstance(stats, dict) else {}
