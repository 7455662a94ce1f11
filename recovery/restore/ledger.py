"""What was imported into a machine, noted on that machine: one JSON line a change.

The server itself knows which flows it has (docs/adr/0005). The ledger adds what a server
doesn't know: that an import was begun and not seen through. A flow's record is written before
its rows (read in the server's source), so a flow that is there may be there in part.
"""

import threading
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Literal, get_args

from recovery.restore.journal import FOLDER
from recovery.restore.kept_lines import KeptLines
from recovery.target import Target

PATH = f"{FOLDER}/ledger.jsonl"
Key = tuple[str, str, str]
"""(org, client, flow)."""
State = Literal["begun", "done", "refused", "gone"]
"""``refused``: the server ended the import without taking the flow, of which a part may be there;
``gone``: nothing is left of one that was begun."""
Entry = tuple[State, str]
"""The state, and what was short of the flow after its import."""


class Ledger:
    """The ledger on ``target``; the last line of a flow counts."""

    def __init__(self, target: Target) -> None:
        self._kept = KeptLines(target, PATH)
        self._lock = threading.Lock()

    @cached_property
    def _entries(self) -> dict[Key, Entry]:
        found: dict[Key, Entry] = {}
        for line in self._kept.read():
            try:
                org, client, flow = (str(line[name]) for name in ("org", "client", "flow"))
                state, trouble = line["state"], str(line.get("trouble", ""))
            except KeyError:
                continue
            if state in get_args(State):
                found[org, client, flow] = (state, trouble)
        return found

    def state(self, key: Key) -> State | None:
        """What is known of a flow; None when this machine never imported it."""
        entry = self._entries.get(key)
        return entry[0] if entry else None

    @property
    def unfinished(self) -> list[Key]:
        """Flows whose import was begun and not seen through."""
        return [key for key, (state, _) in self._entries.items() if state == "begun"]

    @property
    def refused(self) -> list[Key]:
        """Flows that the server did not take."""
        return [key for key, (state, _) in self._entries.items() if state == "refused"]

    def finished(self, org: str) -> dict[tuple[str, str], str]:
        """(client, flow) → what was short of it, empty for nothing, of each that was imported."""
        return {
            key[1:]: trouble
            for key, (state, trouble) in self._entries.items()
            if state == "done" and key[0] == org
        }

    def begin(self, keys: Iterable[Key]) -> None:
        """Notes an import that is about to be made."""
        self._add(dict.fromkeys(keys, ("begun", "")), settled=True)

    def refuse(self, keys: Iterable[Key]) -> None:
        """Notes imports that the server has ended without taking the flow."""
        self._add(dict.fromkeys(keys, ("refused", "")), settled=False)

    def take_back(self, keys: Iterable[Key]) -> None:
        """Notes that nothing is left of imports that were begun."""
        self._add(dict.fromkeys(keys, ("gone", "")), settled=True)

    def finish(self, keys: Mapping[Key, str]) -> None:
        """Notes imports that were made and checked, each with what was short of it.

        The server's own files may not be on the disk yet either: after a power cut a flow whose
        end was forgotten is imported anew. To force it each time held the server up (measured).
        """
        self._add({key: ("done", trouble) for key, trouble in keys.items()}, settled=False)

    def _add(self, entries: Mapping[Key, Entry], *, settled: bool) -> None:
        with self._lock:  # batches are noted side by side
            self._append(entries, settled)

    def _append(self, entries: Mapping[Key, Entry], settled: bool) -> None:
        fresh = {key: entry for key, entry in entries.items() if self._entries.get(key) != entry}
        lines = (
            {"org": org, "client": client, "flow": flow, "state": state}
            | ({"trouble": trouble} if trouble else {})
            for (org, client, flow), (state, trouble) in fresh.items()
        )
        self._kept.append(lines, settled=settled)
        self._entries.update(fresh)
