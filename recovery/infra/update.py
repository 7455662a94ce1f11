"""The door to Pulumi for whoever isn't its command line: up, preview, destroy.

The same ``__main__.py``, engine and resources as `pulumi up`; each stack has a folder of its
own with its state, so that drills run side by side and leave nothing in the clone.
"""

import importlib
import json
import logging
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recovery.infra.engine_events import Told, as_error, changed
from recovery.infra.workspace import PulumiFailed, StackRequest, open_stack

__all__ = ["StackRequest", "UpResult", "destroy", "prepare", "preview", "up"]

Say = Callable[[str], None]


@dataclass(frozen=True)
class UpResult:
    """What an update gave. ``outputs`` are those of ``__main__.py``; ``seconds`` the whole call."""

    outputs: dict[str, Any]
    seconds: float
    groups: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Step group → its outputs (outcomes, facts): what `pulumi up` would fill screens with."""
    changes: dict[str, int] = field(default_factory=dict)
    """Resources by what was done: create, update, replace, delete, same."""

    @property
    def changed(self) -> int:
        """How many resources were touched; 0 when there was nothing to do."""
        return changed(self.changes)


def prepare(stack: StackRequest) -> None:
    """Writes the stack's folder and configuration (1 s), so that :func:`up` need not."""
    open_stack(stack)


def up(stack: StackRequest, say: Say) -> UpResult:
    """Makes or remakes everything that the stack describes; goes on where a failed one stopped.

    ``say`` gets progress lines while it runs. Raises :class:`RecoveryError` with the failed
    step's words and hint.
    """
    started = time.monotonic()
    opened, told = open_stack(stack), Told(say)
    _free_lock(stack, opened, say)
    # Our own resources look for themselves; what the AWS provider made, the engine must ask for.
    refresh = stack.settings.get("machine") == "aws"
    _carry_out(stack, told, lambda: opened.up(refresh=refresh, on_event=told.hear, color="never"))
    seconds = round(time.monotonic() - started, 3)
    return UpResult(told.outputs, seconds, told.groups, told.changes)


def preview(stack: StackRequest, say: Say) -> dict[str, int]:
    """What :func:`up` would do, as numbers of resources; nothing is changed."""
    opened, told = open_stack(stack), Told(say)
    _carry_out(stack, told, lambda: opened.preview(on_event=told.hear, color="never"))
    return told.changes


def destroy(stack: StackRequest, say: Say, *, keep_protected: bool = False) -> None:
    """Removes everything that the stack made. Safe to repeat; what is gone already is fine.

    With ``keep_protected`` what is protected stays (`pulumi destroy --exclude-protected`); else
    a protected resource refuses the whole.
    """
    opened, told = open_stack(stack), Told(say)
    _free_lock(stack, opened, say)
    _carry_out(
        stack,
        told,
        lambda: opened.destroy(exclude_protected=keep_protected, on_event=told.hear, color="never"),
    )


def _load_program() -> None:
    """Loads what ``__main__.py`` imports, while the engine starts (half a second)."""
    for module in ("point_check", "machine", "server_name", "recovery_steps", "stack_settings"):
        importlib.import_module(f"recovery.infra.{module}")


def _carry_out(stack: StackRequest, told: Told, operation: Callable[[], object]) -> None:
    threading.Thread(target=_load_program, daemon=True).start()
    # The program is still waiting when a failed engine leaves: nothing that a reader needs.
    logging.getLogger("grpc._server").setLevel(logging.CRITICAL)
    try:
        operation()
    except PulumiFailed as failed:
        raise as_error(told.errors, stack.name, str(failed)) from failed


def _free_lock(stack: StackRequest, opened: Any, say: Say) -> None:
    """Takes away the lock of an update that was killed on this machine; never a living one's."""
    locks = (
        stack.folder
        / "state"
        / ".pulumi"
        / "locks"
        / "organization"
        / stack.project_name
        / stack.name
    )
    held = list(locks.glob("*.json"))
    if not held or not all(_is_dead(path) for path in held):
        return
    say(f"stack {stack.name}: an update was killed; its lock is taken away")
    opened.cancel()
    if b'"pending_operations"' in stack.state_file.read_bytes():
        say(f"stack {stack.name}: looking what that update left unfinished")
        opened.refresh(clear_pending_creates=True, color="never")


def _is_dead(path: Path) -> bool:
    """Whether the lock's process is gone from this machine (a number may be another's by now)."""
    lock = json.loads(path.read_text())
    if lock.get("hostname") != socket.gethostname():
        return False
    try:
        name, _, rest = Path(f"/proc/{int(lock['pid'])}/stat").read_text().rpartition(")")
    except FileNotFoundError:
        return True
    return not name.endswith("(pulumi") or rest.split()[0] == "Z"
