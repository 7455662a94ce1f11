"""The report of a drill: what a program reads, and what the page is drawn from.

Its JSON Schema is in docs/report.schema.json. Times are in seconds; ``at`` and ``began``
count from the drill's start.
"""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from recovery.restore.request import Outcome
from recovery.vault.manifest import Part
from recovery.verify.compare import FidelityLine
from recovery.verify.run_checks import Check

Verdict = Literal["recovered", "recovered with findings", "not recovered"]


class _Frozen(BaseModel):
    # Every field is written always: a program need not guess what its absence means.
    model_config = ConfigDict(
        extra="forbid", frozen=True, json_schema_serialization_defaults_required=True
    )


class ReportServer(_Frozen):
    """Which server was rehearsed on. A ``reference`` server is no proof for production."""

    kind: Literal["reference", "velociraptor"]
    version: str
    proof_for_production: bool


class ReportPhase(_Frozen):
    name: str
    began: float
    seconds: float


class ReportMoment(_Frozen):
    """``after_loss``: seconds since the loss; None before it."""

    name: str
    at: float
    after_loss: float | None = None


class ReportStep(Outcome):
    """A step of the recovery itself, and the group that it belongs to."""

    group: str


class Budgets(_Frozen):
    """What the operator allows; a breach is a finding."""

    rto_seconds: float
    rpo_seconds: float


class Change(_Frozen):
    """What was lost, and what took its place."""

    lost_at: datetime
    lost_container: str
    lost_address: str
    new_container: str = ""
    new_address: str = ""


class Clients(_Frozen):
    """The clients that the strategy must bring back, and those it can't."""

    enrolled: int
    expected_back: int
    back: int
    unserved_orgs: list[str] = []


class SinceCopy(_Frozen):
    """Work that went on during and after the copy: flows that the lost server had accepted, and
    how many of them came back with the copy. The rest is what the RPO stands for.
    """

    flows: int
    came_back: int


class ReportError(_Frozen):
    """Why it ended early."""

    message: str
    step: str = ""
    target: str = ""
    hint: str = ""


class Report(_Frozen):
    """One drill, from first to last."""

    schema_version: Literal[1] = 1
    verdict: Verdict
    run: str
    scenario: Literal["rehearsal", "fixtures", "standby"]
    started_at: datetime
    finished_at: datetime
    server: ReportServer | None
    """None when it ended before the server binary was known."""
    strategy: list[Part]
    connect: Literal["docker", "ssh"]
    on: Literal["docker", "aws-double"] = "docker"
    """Where the server lived. On the AWS double, AWS itself was not asked anything."""
    recovery_point: str = ""
    rto_seconds: float | None = Field(default=None, ge=0)
    """From the loss until every client was served again; None: not all were."""
    rpo_seconds: float | None = Field(default=None, ge=0)
    """Age, at the loss, of the newest data that comes back; None: no data comes back."""
    budgets: Budgets
    change: Change | None = None
    clients: Clients | None = None
    since_copy: SinceCopy | None = None
    phases: list[ReportPhase] = []
    moments: list[ReportMoment] = []
    steps: list[ReportStep] = []
    checks: list[Check] = []
    fidelity: list[FidelityLine] = []
    findings: list[str] = []
    not_checked: list[str] = []
    """What this drill says nothing about; none of it counts as passed."""
    error: ReportError | None = None
    kept: list[str] = []
    """Containers that were kept to be looked into."""
