"""What was done on a machine, kept on that machine: one JSON line a finished step.

A recovery that was cut off anywhere reads it and goes on; a new machine has none, and
everything runs. A line is written only after its step's result is on the machine.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from recovery.restore.kept_lines import KeptLines
from recovery.restore.request import Outcome
from recovery.target import Target

FOLDER = "/var/lib/velociraptor-recovery"
PATH = f"{FOLDER}/journal.jsonl"
AT_WORK = f"{FOLDER}/at-work"
"""Held by a command that changes the machine, until it ends: it outlives a recovery's death."""


def recovered_point(target: Target, steps: Collection[str]) -> str:
    """The point for which one of ``steps`` was done last on the machine; empty for none."""
    lines = KeptLines(target, PATH).read()
    done = [str(line.get("point", "")) for line in lines if line.get("step") in steps]
    return done[-1] if done else ""


class Journal:
    """The journal of ``point`` on ``target``.

    ``choice``: what was asked for, in one word; ``wanted``: the same, as it can be read again.
    """

    def __init__(
        self,
        target: Target,
        point: str,
        choice: str = "",
        wanted: Mapping[str, Any] | None = None,
    ) -> None:
        self._kept = KeptLines(target, PATH)
        self._point = point
        self._choice = choice
        self._wanted = dict(wanted or {})

    @cached_property
    def _all(self) -> list[dict[str, Any]]:
        return [line for line in self._kept.read() if "point" in line]

    @cached_property
    def _lines(self) -> list[dict[str, Any]]:
        return [line for line in self._all if "step" in line]

    @cached_property
    def _done(self) -> dict[str, dict[str, Any]]:
        """Each step's last line; not where the step was done for another point since."""
        last = {line["step"]: line for line in self._lines}
        return {step: line for step, line in last.items() if line["point"] == self._point}

    def points(self, step: str, *, but: str | None = None) -> set[str]:
        """The recovery points for which ``step`` was done on this machine.

        ``but``: not where what it had to say begins with this word.
        """
        return {
            line["point"]
            for line in self._lines
            if line["step"] == step and not (but and str(line.get("detail")).startswith(but))
        }

    def others(self, step: str) -> list[str]:
        """Those besides this one."""
        return sorted(self.points(step) - {self._point})

    def has_more_than(self, step: str) -> bool:
        """Whether anything but ``step`` was ever done on this machine, for whatever point."""
        return any(line["step"] != step for line in self._lines)

    def is_done(self, step: str) -> bool:
        return step in self._done

    def detail(self, step: str) -> str:
        """What the finished step had to say."""
        return str(self._done.get(step, {}).get("detail", ""))

    def findings(self, step: str) -> list[str]:
        """What fell short in the finished step: it still does."""
        found = self._done.get(step, {}).get("findings", [])
        return [str(finding) for finding in found] if isinstance(found, list) else []

    def was_chosen_otherwise(self, step: str) -> bool:
        """Whether the finished step was asked to bring back something else than now."""
        return str(self._done.get(step, {}).get("choice", self._choice)) != self._choice

    def wanted(self, steps: Collection[str]) -> list[dict[str, Any]]:
        """What was wanted when ``steps`` were done, the earliest first; whole: an empty choice.

        Empty where none of them was done for this point, or by a version that didn't note it.
        """
        mine = [line for line in self._lines if line["point"] == self._point]
        return [
            line["wanted"]
            for line in mine
            if line["step"] in steps and isinstance(line.get("wanted"), dict)
        ]

    @property
    def begun(self) -> dict[str, Any] | None:
        """The last recovery that was begun here, of whatever point: point, strategy, policy."""
        found = [line for line in self._all if isinstance(line.get("strategy"), list)]
        return found[-1] if found else None

    def steps_of(self, point: str) -> set[str]:
        """The steps that were done, and last, for ``point``."""
        last = {str(line["step"]): line["point"] for line in self._lines}
        return {step for step, whose in last.items() if whose == point}

    def note_begun(self, strategy: Collection[str], policy: str) -> None:
        """Appends that a recovery begins. No step: nothing is done by it."""
        self._append({"strategy": [*strategy], "policy": policy})

    def note_wanted(self, step: str) -> None:
        """Appends that ``step``, which is done at each run, was done with this choice."""
        if self.wanted([step])[-1:] != [self._wanted]:
            self._append({"step": step})

    @property
    def accounts(self) -> set[tuple[str, str]] | None:
        """(org, user) of every account let in so far; None when none ever was placed here."""
        found: set[tuple[str, str]] | None = None
        for line in self._lines:
            if line["point"] != self._point or not isinstance(line.get("accounts"), list):
                continue
            noted = {(str(org), str(user)) for org, user in line["accounts"]}
            found = noted if line.get("anew") or found is None else found | noted
        return found

    def note_accounts(self, accounts: Iterable[tuple[str, str]], *, anew: bool = False) -> None:
        """Appends accounts that were let in. ``anew``: these, and whoever was noted before not."""
        self._append({"step": "accounts", "accounts": sorted(accounts), "anew": anew})

    def add(self, outcome: Outcome) -> None:
        """Appends a finished step."""
        line = outcome.model_dump(include={"step", "status", "detail", "seconds", "findings"})
        self._done[outcome.step] = self._append(line)

    def _append(self, values: dict[str, Any]) -> dict[str, Any]:
        line = {
            "point": self._point,
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "choice": self._choice,
            "wanted": self._wanted,
            **values,
        }
        known, steps = self._all, self._lines  # read before it is written: it counts once
        self._kept.append([line])
        known.append(line)
        steps += [line] if "step" in line else []
        return line
