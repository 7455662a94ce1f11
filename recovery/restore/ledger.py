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
from recovery.restore.kept_lines import KeptLines, Line
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
    def _lines(self) -> list[Line]:
        return self._kept.read(boot=True)

    @cached_property
    def _boots(self) -> list[str]:
        """The machine's boots under which imports began here, and at last the one it has now."""
        return [str(line["boot"]) for line in self._lines if line.keys() == {"boot"}]

    @property
    def is_doubtful(self) -> bool:
        """Whether the machine was started anew since its imports, e.g. after it lost its power.

        What the server wrote in the half minute before may not have been on the disk.
        """
        return len(self._boots) > 1 and self._boots[-2] != self._boots[-1]

    def believe(self) -> None:
        """Notes that all that is known as done was counted since the machine was started."""
        if self.is_doubtful:
            now = self._boots[-1]
            self._kept.append([{"boot": now}])
            self._boots.append(now)

    @cached_property
    def _entries(self) -> dict[Key, Entry]:
        found: dict[Key, Entry] = {}
        for line in self._lines:
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
        end was forgotten is imported anew, and all others are counted (:attr:`is_doubtful`). To
        force it each time held the server up (measured).
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
        first = [{"boot": boot} for boot in self._boots] if len(self._boots) == 1 and fresh else []
        self._kept.append([*first, *lines], settled=settled)
        self._boots += [line["boot"] for line in first]
        self._entries.update(fresh)
