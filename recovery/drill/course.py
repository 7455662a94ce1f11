"""What is known of a drill so far: filled as it goes, so that a failed one has a report too."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from recovery.drill.aws_double import Cloud
from recovery.drill.clock import Clock
from recovery.drill.loss import Loss
from recovery.drill.names import Run
from recovery.drill.options import DrillOptions
from recovery.restore.request import Outcome
from recovery.vault.manifest import Manifest
from recovery.verify.compare import FidelityLine
from recovery.verify.run_checks import Check

Say = Callable[[str], None]


@dataclass
class Course:
    """One drill on its way. What isn't reached yet is None or empty."""

    run: Run
    options: DrillOptions
    binary: Path
    clock: Clock
    say: Say
    server_kind: str = ""
    server_version: str = ""
    manifest: Manifest | None = None
    loss: Loss | None = None
    enrolled: int = 0
    expected: dict[str, list[str]] = field(default_factory=dict)
    """org → ids of the clients that the strategy must bring back."""
    unserved: list[str] = field(default_factory=list)
    back: int = 0
    new_container: str = ""
    new_address: str = ""
    since_copy: set[str] = field(default_factory=set)
    """``client/flow`` of what the lost server accepted while and after it was copied."""
    came_back: int = 0
    steps: list[tuple[str, Outcome]] = field(default_factory=list)
    """(group, outcome) of the rebuild."""
    checks: list[Check] = field(default_factory=list)
    fidelity: list[FidelityLine] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)

    cloud: Cloud | None = None
    """The account of a drill on AWS."""

    @property
    def vault(self) -> str:
        """Where this drill keeps its recovery point: a folder, or the account's bucket."""
        return self.cloud.vault if self.cloud else str(self.run.folder / "vault")

    @property
    def lost(self) -> Loss:
        """The loss; asked for only after it."""
        if self.loss is None:
            raise RuntimeError("nothing was lost yet")
        return self.loss
