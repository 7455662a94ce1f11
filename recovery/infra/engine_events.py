"""What the engine tells while it works: progress lines, outputs, counts and errors.

Reading the events saves three further runs of the CLI after every update.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from recovery.errors import RecoveryError

_COLOURS = re.compile(r"<\{%[^%]*%\}>")
_GRPC = "Exception calling application: "
_PROBLEM = re.compile(r"\S+ resource '[^']*'.*? has a problem: ")
_STACK = "pulumi:pulumi:Stack"
_GROUP = "pulumi-python:dynamic/recovery:StepGroup"
_NOISE = ("update failed", "preview failed", "destroy failed")
_QUIET = ("same", "read", "refresh")


@dataclass
class Told:
    """Collects the events of one update; ``say`` gets every progress line as it comes."""

    say: Callable[[str], None]
    outputs: dict[str, Any] = field(default_factory=dict)
    groups: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Step group → its outputs: outcomes, facts."""
    changes: dict[str, int] = field(default_factory=dict)
    """Number of resources by what was done: create, update, replace, delete, same."""
    errors: list[str] = field(default_factory=list)

    def hear(self, event: Any) -> None:
        """Takes one event of the Automation API."""
        if event.diagnostic_event is not None:
            self._diagnostic(event.diagnostic_event)
        elif event.res_outputs_event is not None:
            self._outputs(event.res_outputs_event.metadata)
        elif event.summary_event is not None:
            counted = event.summary_event.resource_changes or {}
            self.changes = {str(getattr(op, "value", op)): n for op, n in counted.items()}

    def _diagnostic(self, event: Any) -> None:
        text = _COLOURS.sub("", event.message).strip()
        if not text:
            return
        if event.severity == "error":
            if text not in _NOISE:
                self.errors.append(text)
        elif event.severity in ("info", "info#err", "warning"):
            for line in text.splitlines():
                self.say(line)

    def _outputs(self, metadata: Any) -> None:
        outputs = dict(metadata.new.outputs or {}) if metadata.new is not None else {}
        if metadata.type == _STACK and metadata.new is not None:
            self.outputs = outputs
        elif metadata.type == _GROUP and outputs.get("outcomes") is not None:
            self.groups[outputs["group"]] = outputs


def changed(changes: Mapping[str, int]) -> int:
    """How many resources were touched."""
    return sum(number for kind, number in changes.items() if kind not in _QUIET)


def as_error(errors: list[str], stack: str, log: str) -> RecoveryError:
    """The first failure, in the words of the step that failed where it was one.

    ``log`` is the CLI's own output, for failures that came without an event.
    """
    text = errors[0] if errors else "\n".join(_complaint(log).splitlines()[-8:])
    words = _PROBLEM.sub("", text.removeprefix(_GRPC), count=1)
    message, _, hint = words.partition("\n  next: ")
    return RecoveryError(
        message.strip() or "the update failed without a word",
        step="pulumi up",
        target=f"stack {stack}",
        hint=hint.strip() or "fix that, then run it again: it goes on from the failed step",
    )


def _complaint(log: str) -> str:
    """The CLI's standard error, if it said something there; else all that it said."""
    _, _, complaint = log.partition("\n stderr: ")
    return (complaint.strip() or log.strip()).removeprefix("error: ")
