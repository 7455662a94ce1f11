"""From what a drill saw to its report: the verdict, and every sentence that explains it. Pure."""

from datetime import UTC, datetime

from recovery.drill.course import Course
from recovery.drill.report import (
    Budgets,
    Change,
    Clients,
    Report,
    ReportError,
    ReportMoment,
    ReportPhase,
    ReportServer,
    ReportStep,
    SinceCopy,
    Verdict,
)
from recovery.drill.watch import ALL, LOST
from recovery.errors import EXIT_FAILED, EXIT_FINDINGS, EXIT_OK, RecoveryError
from recovery.vault.manifest import Manifest, Part
from recovery.velociraptor.api import ROOT

EXIT_CODES: dict[Verdict, int] = {
    "recovered": EXIT_OK,
    "recovered with findings": EXIT_FINDINGS,
    "not recovered": EXIT_FAILED,
}
_UNTOUCHED = (
    "the recovery points of your own server: the drill made its own server and captured that",
    "endpoints other than Linux, and whatever stands between endpoints and server in your network",
)
_REFERENCE = (
    "how a real Velociraptor behaves: the server was the embedded reference server. Run the drill "
    "with --server-binary for that"
)


_DOUBLE = (
    "AWS itself: a double of its Pulumi provider answered. What it can't show: quotas, delays and "
    "rights of a real account, EBS devices, the instance's way to the internet"
)


def make_report(course: Course, error: RecoveryError | None = None) -> Report:
    """The report of a drill that has ended, well or not."""
    clock = course.clock
    rto = rto_seconds(course)
    rpo = rpo_seconds(course)
    broken = [f"the drill broke off: {error.message}"] if error is not None and course.loss else []
    findings = [*broken, *course.findings, *_shortfalls(course, rto, rpo)]
    return Report(
        verdict=verdict(course, findings, error),
        run=course.run.ident,
        scenario=course.options.scenario,
        started_at=clock.started_at,
        finished_at=datetime.now(UTC),
        server=_server(course),
        strategy=list(course.options.strategy),
        connect=course.options.connect,
        on=course.options.on,
        recovery_point=course.manifest.point if course.manifest else "",
        rto_seconds=rto,
        rpo_seconds=rpo,
        budgets=Budgets(rto_seconds=course.options.rto, rpo_seconds=course.options.rpo),
        change=_change(course),
        clients=_clients(course),
        since_copy=_since_copy(course),
        phases=[ReportPhase(**vars(phase)) for phase in clock.phases],
        moments=_moments(course),
        steps=[ReportStep(group=group, **step.model_dump()) for group, step in course.steps],
        checks=course.checks,
        fidelity=course.fidelity,
        findings=findings,
        not_checked=_not_checked(course),
        error=ReportError(**error.as_dict()) if error else None,
        kept=course.kept,
    )


def verdict(course: Course, findings: list[str], error: RecoveryError | None) -> Verdict:
    """``not recovered``: no client came back that had to, or it ended before all of them had.

    ``recovered`` takes more than the absence of findings: every check was made and passed,
    and there is a table. A proof that broke off leaves a recovery with findings.
    """
    all_back = course.back == _expected(course)
    if course.loss is None or not course.back or (error is not None and not all_back):
        return "not recovered"
    proven = bool(course.fidelity) and bool(course.checks)
    passed = all(check.outcome == "passed" for check in course.checks)
    sound = proven and passed and not findings and error is None
    return "recovered" if sound else "recovered with findings"


def rto_seconds(course: Course) -> float | None:
    """From the loss until all clients that the strategy can serve were served again."""
    lost, served = course.clock.at(LOST), course.clock.at(ALL)
    return None if lost is None or served is None else round(served - lost, 3)


def rpo_seconds(course: Course) -> float | None:
    """The age of what comes back, at the loss; None where nothing but the package does.

    The fixtures are as old as they are: their age says nothing about anybody's captures.
    """
    fixtures = course.options.scenario == "fixtures"
    if course.loss is None or course.manifest is None or fixtures:
        return None
    newest = newest_data(course.manifest, course.options.strategy)
    return None if newest is None else round((course.loss.at - newest).total_seconds(), 3)


def newest_data(manifest: Manifest, strategy: tuple[Part, ...]) -> datetime | None:
    """Up to when the data reaches that the strategy brings back: its oldest source counts."""
    backups = [backup.made_at for backup in manifest.backups if backup.org == ROOT]
    times = []
    if {"state", "collections", "datastore"} & set(strategy):
        times.append(manifest.captured_at)
    if "backup" in strategy and "state" not in strategy and backups:
        times.append(max(backups))
    return min(times, default=None)


def _expected(course: Course) -> int:
    return sum(len(ids) for ids in course.expected.values())


def _shortfalls(course: Course, rto: float | None, rpo: float | None) -> list[str]:
    """What the clocks and the clients say; the proof's own findings are there already."""
    if course.loss is None:
        return []
    found = []
    if rto is None:
        found.append(f"{course.back} of {_expected(course)} clients were served again: no RTO")
    elif rto > course.options.rto:
        found.append(f"RTO {rto:.1f} s is over its budget of {course.options.rto:g} s")
    if rpo is not None and rpo > course.options.rpo:
        found.append(f"RPO {rpo:.1f} s is over its budget of {course.options.rpo:g} s")
    found += [
        f"not checked: {check.name}: {check.detail or check.outcome}"
        for check in course.checks
        if check.outcome == "skipped"
    ]
    if not course.fidelity:
        found.append("what came back could not be compared with what was captured")
    return found


def _not_checked(course: Course) -> list[str]:
    skipped = [
        f"{check.name}: {check.detail}" if check.detail else check.name
        for check in course.checks
        if check.outcome in ("skipped", "error")
    ]
    reference = [_REFERENCE] if course.server_kind == "reference" else []
    double = [_DOUBLE] if course.options.on == "aws-double" else []
    return [*skipped, *reference, *double, *_UNTOUCHED]


def _server(course: Course) -> ReportServer | None:
    if not course.server_kind:
        return None
    return ReportServer(
        kind="reference" if course.server_kind == "reference" else "velociraptor",
        version=course.server_version,
        proof_for_production=course.server_kind == "velociraptor",
    )


def _change(course: Course) -> Change | None:
    if course.loss is None:
        return None
    return Change(
        lost_at=course.loss.at,
        lost_container=course.loss.container,
        lost_address=course.loss.address,
        new_container=course.new_container,
        new_address=course.new_address,
    )


def _clients(course: Course) -> Clients | None:
    if not course.enrolled:
        return None
    return Clients(
        enrolled=course.enrolled,
        expected_back=_expected(course),
        back=course.back,
        unserved_orgs=course.unserved,
    )


def _since_copy(course: Course) -> SinceCopy | None:
    if not course.since_copy:
        return None
    return SinceCopy(flows=len(course.since_copy), came_back=course.came_back)


def _moments(course: Course) -> list[ReportMoment]:
    lost = course.clock.at(LOST)
    return [
        ReportMoment(
            name=moment.name,
            at=moment.at,
            after_loss=None if lost is None or moment.at < lost else round(moment.at - lost, 3),
        )
        for moment in course.clock.moments
    ]
