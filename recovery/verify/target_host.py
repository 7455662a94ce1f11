"""A target as a testinfra host: the same checks over every kind of target, one connection."""

from typing import Any

from testinfra.backend.base import BaseBackend, CommandResult
from testinfra.host import Host

from recovery.target import Target

_SECONDS = 300


class TargetBackend(BaseBackend):  # type: ignore[misc]
    """Runs testinfra's commands through :meth:`Target.run`."""

    NAME = "target"

    def __init__(self, target: Target) -> None:
        super().__init__(target.uri)
        self._target = target
        self._encoding = "utf-8"

    def run(self, command: str, *args: str, **_: Any) -> CommandResult:
        line = self.get_command(command, *args)
        done = self._target.run(["sh", "-c", line], check=False, timeout=_SECONDS)
        return self.result(done.returncode, line.encode(), done.stdout, done.stderr)


def target_host(target: Target) -> Any:
    """The testinfra ``host`` of a target."""
    return Host(TargetBackend(target))
